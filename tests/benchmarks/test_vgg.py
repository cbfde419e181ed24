"""The benchmark of the VGG-like network, on a small generated set."""

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "vgg.py"
spec = importlib.util.spec_from_file_location("vgg", SCRIPT)
vgg = importlib.util.module_from_spec(spec)
spec.loader.exec_module(vgg)


def test_the_network_is_the_one_of_the_paper():
    network = vgg.vgg_like()
    kinds = [type(layer) for layer in network]
    assert kinds.count(nn.Conv2d) == 13
    assert kinds.count(nn.Linear) == 2
    assert kinds.count(nn.BatchNorm2d) + kinds.count(nn.BatchNorm1d) == 14
    weights = [layer.weight for layer in network if hasattr(layer, "weight")]
    assert sum(w.numel() for w in weights if w.dim() > 1) == 14_977_728
    assert network.eval()(torch.zeros(2, *vgg.SHAPE)).shape == (2, 10)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_becomes_sparse_and_tells_classes_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg, "BATCH_SIZE", 16)
    monkeypatch.setattr(vgg, "DENSE_RATE", 0.05)
    settings = {
        "width": 1 / 16,
        "dense_epochs": 8,
        "epochs": 6,
        "device": "cpu",
        "folder": tmp_path,
        "reg_factor": 0.02,
        "batch_size": 32,
    }
    dense, ours = vgg.run(*vgg.generate(128), **settings)
    assert float(dense[1]) < 20  # 75 is chance
    assert float(ours[1]) < 60
    assert float(ours[2]) > 1.3
    pruned = np.array(ours[3].split(), float)
    assert len(pruned) == 15
    assert pruned.max() > 30
    again = next(vgg.run(*vgg.generate(128), **settings))
    assert again == dense  # read from the checkpoint, with its seconds


def test_files_are_read_as_torchvision_stores_them(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    names = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]
    images = rng.integers(256, size=(6, 2, 3, 32, 32), dtype=np.uint8)
    for k, name in enumerate(names):
        batch = {b"data": images[k].reshape(2, 3072), b"labels": [k, 9]}
        (folder / name).write_bytes(pickle.dumps(batch))
    (X, y), (X_test, y_test) = vgg.load_cifar10(tmp_path)
    np.testing.assert_allclose(X, images[:5].reshape(10, 3, 32, 32) / 255, rtol=1e-6)
    np.testing.assert_allclose(X_test, images[5] / 255, rtol=1e-6)
    assert y.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert y_test.tolist() == [5, 9]


def test_images_are_moved_and_mirrored_but_keep_their_content():
    torch.manual_seed(0)
    x = torch.zeros(200, 3, 32, 32)
    x[:, :, 16, 10] = 1.0
    found = vgg.moved(x)
    assert found.shape == x.shape
    assert torch.equal(found.sum(dim=(1, 2, 3)), x.sum(dim=(1, 2, 3)))
    columns = found[:, 0].sum(dim=1).argmax(dim=1)
    left, right = columns.unique().tolist()  # as it was, or mirrored
    assert right - left == 11


def test_the_row_says_not_run_without_data_or_accelerator(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    vgg.main([])
    assert "| ours | not run: no data |" in capsys.readouterr().out
    (tmp_path / "cifar-10-batches-py").mkdir()
    vgg.main(["--data", str(tmp_path)])
    out = capsys.readouterr().out
    assert "| ours | not run: no accelerator |" in out
    assert "| Sparse VD (Molchanov 2017) | 7.3 | 48 to 65 |" in out
