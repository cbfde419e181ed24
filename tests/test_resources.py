"""Where a fit happens, and what it takes: devices, threads, memory."""

from unittest.mock import Mock

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from skorch.callbacks import Callback
from torch.utils._python_dispatch import TorchDispatchMode

from sklearn_ard import ARDClassifier, ARDRegressor
from sklearn_ard._context import find_device
from sklearn_ard.data.batches import Batches
from sklearn_ard.data.table import ScaledTable


def table(n=300):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6)) * [1, 10, 0.1, 1, 5, 1] + 3
    return X, X[:, 1] / 10 - np.abs(X[:, 3])


def quick(**options):
    return ARDRegressor((16,), max_iter=100, random_state=0, **options)


def mapped(X, path, dtype, order):
    """The same table on disk, opened read-only."""
    stored = np.memmap(path, dtype=dtype, mode="w+", shape=X.shape, order=order)
    stored[:] = X
    stored.flush()
    return np.memmap(path, dtype=dtype, mode="r", shape=X.shape, order=order)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_memory_map_trains_the_same_model_without_a_copy(
    tmp_path, monkeypatch, dtype, order
):
    X, y = table()
    expected = quick().fit(X.astype(dtype), y)

    def in_memory(self):
        raise AssertionError("X is copied")

    monkeypatch.setattr(ScaledTable, "in_memory", in_memory)
    monkeypatch.setattr("sklearn_ard.data.batches.LARGEST_COPY", 0)
    monkeypatch.setattr("sklearn_ard.data.training_set.LARGEST_COPY", 0)
    found = quick().fit(mapped(X, tmp_path / "X", dtype, order), y)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


def test_a_sparse_table_trains_without_a_copy(monkeypatch):
    X, y = table()
    X[X < 2] = 0
    expected = quick().fit(sp.csr_array(X), y)
    monkeypatch.setattr("sklearn_ard.data.batches.LARGEST_COPY", 0)
    monkeypatch.setattr("sklearn_ard.data.training_set.LARGEST_COPY", 0)
    found = quick().fit(sp.csr_array(X), y)
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


def test_entries_of_a_sparse_table_are_not_joined_in_the_arrays_of_the_user():
    X, y = table()
    X = sp.csr_array((X > 3).astype(float))
    data = np.repeat(X.data / 2, 2)
    twice = sp.csr_array((data, np.repeat(X.indices, 2), X.indptr * 2), X.shape)
    before = twice.data.copy(), twice.indices.copy()
    np.testing.assert_array_equal(
        quick().fit(twice, y).predict(X), quick().fit(X, y).predict(X)
    )
    np.testing.assert_array_equal(twice.data, before[0])
    np.testing.assert_array_equal(twice.indices, before[1])


def test_a_table_in_memory_is_copied_once(monkeypatch):
    X, y = table()
    sizes = []
    init = Batches.__init__

    def note(self, x, *args):
        sizes.append((tuple(x.shape), x.dtype))
        init(self, x, *args)

    monkeypatch.setattr(Batches, "__init__", note)
    quick(feature_cost=0).fit(X, y)
    assert sizes[0] == (X.shape, torch.float32)
    assert all(shape[1] < X.shape[1] for shape, _ in sizes[1:])


def test_auto_is_the_accelerator_where_there_is_one(monkeypatch):
    accelerator = torch.device("cpu", 0)  # stands for one
    for found, expected in ((None, torch.device("cpu")), (accelerator, accelerator)):
        monkeypatch.setattr(
            torch.accelerator, "current_accelerator", Mock(return_value=found)
        )
        assert find_device("auto", "ARDRegressor") == expected
    X, y = table()
    model = quick(device="auto").fit(X, y)
    assert model.net_.device == accelerator
    np.testing.assert_array_equal(model.predict(X), quick().fit(X, y).predict(X))


def test_devices_that_there_are_are_named(monkeypatch):
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda")
    )
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    message = "'device' parameter of ARDClassifier.*'cpu', 'cuda:0', 'cuda:1'.*abacus"
    with pytest.raises(ValueError, match=message):
        ARDClassifier(device="abacus").fit(np.eye(4), [0, 1, 0, 1])


class Exhausted(Callback):
    def on_epoch_begin(self, net, **kwargs):
        raise torch.OutOfMemoryError("out of memory")


def test_out_of_memory_says_what_to_lower():
    X, y = table()
    model = quick(callbacks=[Exhausted()])
    with pytest.raises(MemoryError, match="ARDRegressor ran out.*'batch_size'"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


class Threads(Callback):
    def __init__(self):
        self.found = set()

    def on_epoch_end(self, net, **kwargs):
        self.found.add(torch.get_num_threads())


@pytest.mark.parametrize("size, expected", [(8, 1), (400, 3)])
def test_small_networks_are_trained_on_one_thread(size, expected):
    X, y = table()
    threads, before = Threads(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        ARDRegressor((size, size), max_iter=2, callbacks=[threads]).fit(X, y)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert threads.found == {expected}


class NoDoubles(TorchDispatchMode):
    """Refuses float64 made of float32 that has not been brought to the CPU before.

    It stands for an accelerator without float64: the device "cpu:0". What comes from
    `Tensor.cpu`, or goes to a device without an index, has a memory of its own.
    """

    def __init__(self, monkeypatch):
        super().__init__()
        self.on_host, self.kept = set(), []
        move = torch.Tensor.to

        def to(tensor, *args, **options):
            moved = move(tensor, *args, **options)
            target = options.get("device", args[0] if args else None)
            if str(target) == "cpu":
                return self.host(moved)
            return moved

        monkeypatch.setattr(torch.Tensor, "to", to)
        monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: self.host(tensor))

    def host(self, tensor):
        """A copy of a tensor that is on the CPU."""
        return self.note([tensor.clone()])[0]

    def note(self, tensors):
        self.on_host.update(t.untyped_storage().data_ptr() for t in tensors)
        self.kept.extend(tensors)  # or else their memory would be used again
        return tensors

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        results = result if isinstance(result, (tuple, list)) else [result]
        results = [t for t in results if torch.is_tensor(t)]
        singles = [t for t in args if torch.is_tensor(t) and t.dtype == torch.float32]
        if all(t.untyped_storage().data_ptr() in self.on_host for t in singles):
            self.note(results if singles else [])
        else:
            assert all(t.dtype != torch.float64 for t in results), f"{func}: float64"
        return result


@pytest.mark.parametrize(
    "options", [{}, {"input_shape": (2, 3), "conv_channels": (3,)}, {"n_networks": 2}]
)
def test_nothing_is_made_double_before_it_is_back_on_the_cpu(monkeypatch, options):
    X, y = table(80)
    accelerator = torch.device("cpu", 0)
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", Mock(return_value=accelerator)
    )
    model = ARDRegressor((16,), max_iter=30, device="auto", random_state=0, **options)
    with NoDoubles(monkeypatch) as mode:
        model.fit(X, y).predict(X, return_std=True)
        assert model.net_.device == accelerator
        with pytest.raises(AssertionError, match="float64"):
            torch.ones(2).double()
        assert torch.ones(2).cpu().double().dtype == torch.float64
        assert mode.on_host
