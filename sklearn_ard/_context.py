"""States that a fit changes for a time, or only if it succeeds."""

from contextlib import contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state

# A network with fewer weights than this is fastest on one thread.
_SMALL_NETWORK = 200_000


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
        If torch can not use the device.
    """
    try:
        torch_device = torch.device(device)
        torch.zeros(1, device=torch_device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"The 'device' parameter of {owner} must name a device "
            f"that torch can use here, such as 'cpu'. Got {device!r} instead."
        ) from error
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    if turn:
        seed = int(np.random.SeedSequence((seed, turn)).generate_state(1)[0])
    devices = [torch_device.index or 0] if torch_device.type == "cuda" else []
    n_threads = torch.get_num_threads()
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)
        try:
            yield
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
