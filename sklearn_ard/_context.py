"""What a fit needs of the process and gives back: seeds, device, threads, rollback.

In come the parameters `random_state` and `device`; out go generators and a device, and
contexts in which the number of threads or an estimator is as before in the end.
"""

import threading
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from sklearn.utils import check_random_state

# A network with fewer parameters is trained on one thread: on two a step of 64-64
# (15,000 parameters) takes 1.1 times as long, one of 128-128 (46,000) 0.95 times, one
# of 256-256 (158,000) 0.8 times and one of 1024-1024 (2.2 million) 0.55 times.
_SMALL_NETWORK = 100_000
_CPU = torch.device("cpu")


@contextmanager
def unchanged_on_error(estimator):
    """Give an estimator its attributes back if something goes wrong."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


class Generators(NamedTuple):
    """Where the random numbers of a fit come from.

    Attributes
    ----------
    cpu : torch.Generator
        Of initial weights, and of the order of rows.
    device : torch.Generator
        Of the noise, on the device where the network is trained; `cpu` itself there.
    """

    cpu: torch.Generator
    device: torch.Generator


def make_generators(random_state, device=_CPU, turn=0):
    """The generators of a fit.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        Where the seed comes from.
    device : torch.device, default=torch.device("cpu")
        Where the network is trained.
    turn : int, default=0
        Another one gives other numbers for the same `random_state`.

    Returns
    -------
    Generators
        New ones.
    """
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    if turn:
        seed = int(np.random.SeedSequence((seed, turn)).generate_state(1)[0])
    generator = torch.Generator().manual_seed(seed)
    if device.type == "cpu":
        return Generators(generator, generator)
    return Generators(generator, torch.Generator(device).manual_seed(seed))


def find_device(device, owner):
    """The device that a parameter names, if torch can use it.

    Parameters
    ----------
    device : str or torch.device
        "auto" is an accelerator where there is one.
    owner : str
        Whose parameter it is.

    Returns
    -------
    torch.device
        Where to compute.

    Raises
    ------
    ValueError
        If torch cannot use it.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if device == "auto":
        return accelerator or torch.device("cpu")
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        known = ["cpu"]
        if accelerator is not None:
            n_devices = torch.accelerator.device_count()
            known += [f"{accelerator.type}:{k}" for k in range(n_devices)]
        raise ValueError(
            f"The 'device' parameter of {owner} must be 'auto' or a device that torch "
            f"can use here, one of {known}. Got {device!r} instead."
        ) from error
    return found


@contextmanager
def training_on(device, owner):
    """Compute gradients, whatever the caller has set, and explain a lack of memory.

    Raises
    ------
    MemoryError
        If the device has too little memory.
    """
    try:
        with torch.enable_grad():
            yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(
            f"{owner} ran out of memory on the device {str(device)!r}. Lower the "
            "'batch_size' or the 'hidden_layer_sizes' parameter, or set device='cpu'."
        ) from error


class _OneThread:
    """A number of threads of 1 for the time of a context, in several fits at once.

    torch keeps the number per thread of Python, but a new thread begins with the number
    that was set last by any other: inside of a fit that is 1, and not what the user has
    set. So the number from before the first of all fits is kept here.
    """

    def __init__(self):
        self._lock, self._n_fits, self._outside = threading.Lock(), 0, 1
        self._known = threading.local()  # threads of Python with a number of their own

    def __enter__(self):
        with self._lock:
            before = torch.get_num_threads()
            if self._n_fits == 0:
                self._outside = before
            elif not hasattr(self._known, "before"):
                before = self._outside
            self._n_fits += 1
            stack = vars(self._known).setdefault("before", [])
            stack.append(before)
            torch.set_num_threads(1)

    def __exit__(self, *error):
        with self._lock:
            self._n_fits -= 1
            torch.set_num_threads(self._known.before.pop())


_one_thread = _OneThread()


def threads_for(module):
    """A context of one thread for a small network, for which more are slower."""
    if sum(p.numel() for p in module.parameters()) < _SMALL_NETWORK:
        return _one_thread
    return nullcontext()
