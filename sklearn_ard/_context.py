"""States that a fit changes for a time, or only if it succeeds."""

from contextlib import contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state

# A network with fewer parameters is trained on one thread: on two a step of 64-64
# (15,000 parameters) takes 1.1 times as long, one of 128-128 (46,000) 0.95 times, one
# of 256-256 (158,000) 0.8 times and one of 1024-1024 (2.2 million) 0.55 times.
_SMALL_NETWORK = 100_000


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
def torch_state(random_state, device, owner, turn=0):
    """Seed torch for the time of a fit; its global state is as before after it.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        Where the seed comes from.
    device : str or torch.device
        Where the fit is to happen.
    owner : str
        Whose parameter the device is.
    turn : int, default=0
        Another one gives other numbers for the same `random_state`.

    Raises
    ------
    ValueError
        If torch cannot use the device.
    MemoryError
        If the device has too little memory.
    """
    torch_device = find_device(device, owner)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    if turn:
        seed = int(np.random.SeedSequence((seed, turn)).generate_state(1)[0])
    devices = [torch_device.index or 0] if torch_device.type == "cuda" else []
    n_threads = torch.get_num_threads()
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise MemoryError(
                f"{owner} ran out of memory on the device {str(torch_device)!r}. Lower "
                "the 'batch_size' or the 'hidden_layer_sizes' parameter, or set "
                "device='cpu'."
            ) from error
        finally:
            torch.set_num_threads(n_threads)


def is_small(module):
    """Whether a network is fastest on one thread."""
    return sum(p.numel() for p in module.parameters()) < _SMALL_NETWORK


@contextmanager
def threads_for(module):
    """One thread for a small network, for which more are slower; then as before."""
    n_threads = torch.get_num_threads()
    if is_small(module):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
