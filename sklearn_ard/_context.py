"""Process-wide resources of a fit: random generators, device, threads, rollback.

Input: the parameters `random_state` and `device`. Output: generators, a device, and
contexts that restore the number of threads or the attributes of an estimator.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

# A network with fewer parameters is trained on one thread: on two a step of 64-64
# (15,000 parameters) takes 1.1 times as long, one of 128-128 (46,000) 0.95 times, one
# of 256-256 (158,000) 0.8 times and one of 1024-1024 (2.2 million) 0.55 times.
_SMALL_NETWORK = 100_000
_CPU = torch.device("cpu")


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Restore the attributes of an estimator if an exception is raised."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__ = before  # at once: Ctrl-C may come twice
        raise


class Generators(NamedTuple):
    """Random number generators of a fit.

    Attributes
    ----------
    cpu : torch.Generator
        For initial weights and the order of rows.
    device : torch.Generator
        For the noise, on the device where the network is trained; on the CPU the same
        object as `cpu`.
    """

    cpu: torch.Generator
    device: torch.Generator


def make_generators(
    random_state: Any, device: torch.device = _CPU, turn: int = 0
) -> Generators:
    """The generators of a fit.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        Source of the seed.
    device : torch.device, default=torch.device("cpu")
        Where the network is trained.
    turn : int, default=0
        Different values give different numbers for the same `random_state`.

    Returns
    -------
    Generators
        New generators.
    """
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    if turn:
        seed = int(np.random.SeedSequence((seed, turn)).generate_state(1)[0])
    generator = torch.Generator("cpu").manual_seed(seed)
    if device.type == "cpu":
        return Generators(generator, generator)
    return Generators(generator, torch.Generator(device).manual_seed(seed))


def find_device(device: str | torch.device, owner: str) -> torch.device:
    """The device that a parameter names, if torch can use it.

    Parameters
    ----------
    device : str or torch.device
        "auto" is an accelerator if one is available.
    owner : str
        Class name for the error message.

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    ValueError
        If torch cannot use it.
    """
    accelerator = _accelerator()
    if device == "auto":
        return accelerator or torch.device("cpu")
    try:
        result = torch.device(device)
        torch.zeros(1, device=result).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        known = ["cpu"]
        if accelerator is not None:
            n_devices = torch.accelerator.device_count()
            known += [f"{accelerator.type}:{k}" for k in range(n_devices)]
        raise ValueError(
            f"The 'device' parameter of {owner} must be 'auto' or a device that torch "
            f"can use here, one of {known}. Got {device!r} instead."
        ) from error
    return _CPU if result.type == "cpu" else result  # "cpu:1" cannot be copied


def _accelerator() -> torch.device | None:
    """The accelerator of this machine, or None."""
    if torch.accelerator.is_available():
        return torch.accelerator.current_accelerator()
    return None


@contextmanager
def usual_torch() -> Iterator[None]:
    """Context, or decorator, in which torch computes as it does by default.

    Gradients are recorded and numbers keep their precision, even inside of
    ``torch.no_grad()``, ``torch.inference_mode()`` or ``torch.autocast()``. The default
    dtype and device are left alone: all Python threads share the former, so both are
    written where tensors are made.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        accelerator = _accelerator()
        for kind in ("cpu", *([] if accelerator is None else [accelerator.type])):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def training_on(device: torch.device, owner: str) -> Iterator[None]:
    """Context that explains a lack of memory.

    Raises
    ------
    MemoryError
        If the device has too little memory.
    """
    try:
        yield
    except RuntimeError as error:
        on_cpu = "can't allocate memory" in str(error)
        if not on_cpu and not isinstance(error, torch.OutOfMemoryError):
            raise
        raise MemoryError(
            f"{owner} ran out of memory on the device {str(device)!r}. Lower the "
            "'batch_size' or the 'hidden_layer_sizes' parameter"
            f"{'.' if on_cpu else ', or set device=' + repr('cpu') + '.'}"
        ) from error


class _OneThread:
    """Context that limits torch to one thread, for several fits at the same time.

    torch stores the number of threads per Python thread, but a new Python thread starts
    with the number that any other thread set last: during a fit that is 1, and not the
    number that the user has set. The number before the first of the concurrent fits is
    therefore stored here.
    """

    def __init__(self) -> None:
        self._lock, self._outside = threading.Lock(), 1
        self._stacks: list[list[int]] = []
        self._own = threading.local()  # numbers before the fits of a Python thread

    def __enter__(self) -> None:
        with self._lock:
            before, is_new = torch.get_num_threads(), not hasattr(self._own, "stack")
            if not any(self._stacks):
                self._outside, self._stacks = before, []
            elif is_new:
                before = self._outside
            stack = vars(self._own).setdefault("stack", [])
            if not any(each is stack for each in self._stacks):
                self._stacks.append(stack)
            depth = len(stack)
            try:
                stack.append(before)
                torch.set_num_threads(1)
            except BaseException:  # Ctrl-C
                del stack[depth:]
                torch.set_num_threads(before)
                raise

    def __exit__(self, *error: object) -> None:
        with self._lock:
            stack = self._own.stack
            try:
                torch.set_num_threads(stack[-1])
            finally:
                stack.pop()


_one_thread = _OneThread()


def threads_for(module: Any) -> AbstractContextManager[None]:
    """Context with one thread for a small network, where more are slower."""
    if sum(p.numel() for p in module.parameters()) < _SMALL_NETWORK:
        return _one_thread
    return nullcontext()
