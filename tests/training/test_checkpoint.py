"""A fit that was killed goes on, and ends with the same bits."""

import itertools
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from filelock import FileLock
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV
from sklearn_ard.training import checkpoint


class Killed(BaseException):
    """Stands for the end of the process."""


def table(n=180, n_features=6):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features))
    return X, np.abs(X[:, 1]) + X[:, 4] + 0.3 * rng.normal(size=n)


class Residual(nn.Module):
    """A network that is trained by autograd, with torch's Adam."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_inputs, n_inputs)
        self.last = nn.Linear(n_inputs, n_outputs)

    def forward(self, x):
        return self.last(x + self.first(x).tanh())


FITS = {
    "candidates": {"max_iter": 160, "n_networks": 2, "n_bins": 8},
    "module": {"module": Residual, "max_iter": 40, "dense_iter": 3},
    "shrinking": {
        "hidden_layer_sizes": (160, 160),
        "max_iter": 160,
        "n_bins": 0,
        "likelihood": "gaussian",
    },
    "image": {"input_shape": (1, 2, 3), "conv_channels": (3,), "max_iter": 60},
}


def regressor(name, path=None):
    options = {"hidden_layer_sizes": (8,), **FITS[name]}
    return ARDRegressor(random_state=0, checkpoint=path, **options)


def bits(model):
    """All that a fit has learned."""
    weights = [each.numpy() for each in model.net_.module_.state_dict().values()]
    return [
        *weights,
        model.feature_importances_,
        model.elbo_,
        [row["train_loss"] for row in model.net_.history],
    ]


@pytest.mark.parametrize("name", FITS)
def test_a_killed_fit_goes_on_to_the_same_bits(name, tmp_path, monkeypatch):
    X, y = table()
    expected = bits(regressor(name).fit(X, y))
    epochs = itertools.count()
    is_due = property(lambda self: next(epochs) % 3 == 0)
    monkeypatch.setattr(checkpoint.Checkpoint, "is_due", is_due)
    save = checkpoint.Checkpoint.save
    rng, path = np.random.default_rng(0), tmp_path / "states"
    model, n_kills, n_left = regressor(name, path), 0, 0

    def save_or_die(self, state):
        nonlocal n_left
        save(self, state)
        n_left -= 1
        if n_left == 0:
            raise Killed

    monkeypatch.setattr(checkpoint.Checkpoint, "save", save_or_die)
    while True:
        n_left = int(rng.integers(2, 9))
        try:
            model.fit(X, y)
        except Killed:
            n_kills += 1
            assert not hasattr(model, "net_")
        else:
            break
    assert n_kills >= 1
    for found, wanted in zip(bits(model), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not path.exists()


def test_ctrl_c_keeps_the_states(tmp_path, interrupt_at):
    X, y = table()
    options = {"n_bins": 0, "likelihood": "gaussian", "max_iter": 200}
    model = ARDRegressor((8,), random_state=0, **options)
    expected = bits(model.fit(X, y))
    model.set_params(checkpoint=tmp_path / "states")
    interrupt_at(90)
    with pytest.warns(UserWarning, match="was interrupted"):
        model.fit(X, y)
    assert (tmp_path / "states").exists()
    for found, wanted in zip(bits(model.fit(X, y)), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not (tmp_path / "states").exists()


def test_other_data_and_parameters_are_refused_by_name(tmp_path, monkeypatch):
    X, y = table()
    path = tmp_path / "states"

    def die(self, state):
        raise Killed

    monkeypatch.setattr(checkpoint.Checkpoint, "save", die)
    model = regressor("candidates", path)
    with pytest.raises(Killed):
        model.fit(X, y)
    with pytest.raises(ValueError, match="another X. Pass the same"):
        model.fit(X + 1, y)
    with pytest.raises(Killed):
        model.fit(np.asfortranarray(X), y)
    with pytest.raises(ValueError, match="another y, sample_weight"):
        model.fit(X, y + 1, np.ones(len(y)))
    with pytest.raises(ValueError, match="another reg_factor"):
        model.set_params(reg_factor=0.5).fit(X, y)
    with pytest.raises(Killed):
        model.set_params(reg_factor=1.0, verbose=0).fit(X, y)
    with FileLock(path / "lock"), pytest.raises(ValueError, match="own for every fit"):
        model.fit(X, y)


def test_what_cannot_be_repeated_is_refused(tmp_path):
    X, y = table(30)
    for options, message in (
        ({"random_state": None}, "'random_state' parameter of .* an int"),
        ({"callbacks": [object()]}, "'callbacks' parameter of .* None"),
        ({"warm_start": True}, "'warm_start' parameter of .* False"),
    ):
        model = ARDRegressor(random_state=0, checkpoint=tmp_path / "states")
        with pytest.raises(ValueError, match=message):
            model.set_params(**options).fit(X, y)
    assert not (tmp_path / "states").exists()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="folder that can be made"):
        ARDRegressor(random_state=0, checkpoint=tmp_path / "file").fit(X, y)
    (tmp_path / "00000.npz").touch()
    with pytest.raises(ValueError, match="new or an empty folder.*'00000.npz'"):
        ARDRegressor(random_state=0, checkpoint=tmp_path).fit(X, y)
    assert (tmp_path / "00000.npz").exists()
    half_written = tmp_path / "new" / f".fit.json.{'0' * 32}"
    half_written.parent.mkdir()
    half_written.touch()
    options = {"max_iter": 2, "n_bins": 0, "random_state": 0}
    ARDRegressor((2,), checkpoint=half_written.parent, **options).fit(X, y)
    assert not half_written.parent.exists()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "fit.json").write_text("[3")
    with pytest.raises(ValueError, match=r"damaged: fit.json cannot be read"):
        ARDRegressor(random_state=0, checkpoint=tmp_path / "damaged").fit(X, y)
    assert "checkpoint" not in ARDRegressorCV().get_params()
    with pytest.raises(ValueError, match="'checkpoint' parameter of ARDClassifier"):
        ARDClassifier(checkpoint=3).fit(X, y > 0)


_CODE = """
import os, signal, sys
import numpy as np
from sklearn_ard import ARDRegressor
from sklearn_ard.training import checkpoint

checkpoint.EVERY, n_saves = 0.0, int(sys.argv[2])
save = checkpoint.Checkpoint.save

def save_or_die(self, state):
    global n_saves
    save(self, state)
    n_saves -= 1
    if n_saves == 0:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint.Checkpoint.save = save_or_die
X = np.random.default_rng(0).normal(size=(200, 4))
options = {"max_iter": 60, "n_bins": 0, "checkpoint": sys.argv[1]}
model = ARDRegressor((8,), random_state=0, **options)
print(model.fit(X, X[:, 0] ** 2).predict(X).sum().hex())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_process_that_is_killed_leaves_no_lock(tmp_path):
    def run(path, n_saves):
        command = [sys.executable, "-c", _CODE, str(tmp_path / path), str(n_saves)]
        return subprocess.run(command, capture_output=True, text=True, env=os.environ)

    assert run("states", 30).returncode == -signal.SIGKILL
    assert run("states", 0).stdout == run("others", 0).stdout != ""
