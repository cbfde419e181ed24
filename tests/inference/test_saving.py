"""Files of estimators: loaded ones predict, prune and train on with the same bits."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.exceptions import NotFittedError

from sklearn_ard import ARDClassifier, ARDRegressor, ARDRegressorCV, CompactRegressor
from sklearn_ard import _archive as archive
from sklearn_ard.nn import GroupARD

FOLDER = Path(__file__).parent / "estimators"  # written by the versions in their names


def frame(n=200):
    """A table with a gap and a category."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    X["c"] = rng.choice(["x", "y", "z"], n)
    y = np.sin(3 * X["a"]) + (X["c"] == "x") + 0.1 * rng.normal(size=n)
    X.loc[::7, "b"] = np.nan
    return X, y


def fitted(cls=ARDRegressor, **options):
    X, y = frame()
    given = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **options}
    return cls(**given).fit(X, y), X, y


def through_a_file(model):
    file = io.BytesIO()
    model.save(file)
    return type(model).load(io.BytesIO(file.getvalue()))


def assert_same(loaded, model, X):
    """All that is public, and what the network says."""
    assert repr(loaded) == repr(model)
    assert set(vars(loaded)) == set(vars(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(
        loaded.feature_importances_, model.feature_importances_
    )
    if hasattr(model, "candidates_"):  # not after partial_fit
        pd.testing.assert_frame_equal(loaded.candidates_, model.candidates_)
    pd.testing.assert_frame_equal(
        loaded.compression_report(), model.compression_report()
    )
    assert loaded.net_.history == model.net_.history
    assert (loaded.elbo_, loaded.sparsity_) == (model.elbo_, model.sparsity_)


@pytest.mark.parametrize(
    "options",
    [
        {"n_bins": 8, "likelihood": "skew_t"},
        {"n_networks": 2, "likelihood": "gaussian", "n_bins": 0},
        {"skip_connection": False, "prior": GroupARD(2.0), "activation": "tanh"},
        {"feature_cost": {"a": 1.0}, "feature_groups": {"pair": ["a", "b"]}},
        {"feature_cost": 1e6},
    ],
    ids=["bins", "ensemble", "prior", "groups", "empty"],
)
@pytest.mark.filterwarnings("ignore:No input is worth")
def test_regressor_is_the_same_after_a_file(options):
    model, X, _ = fitted(**options)
    loaded = through_a_file(model)
    assert_same(loaded, model, X)
    spread = [each.predict(X, return_std=True)[1] for each in (loaded, model)]
    np.testing.assert_array_equal(*spread)
    model.set_threshold(0.5)
    loaded.set_threshold(0.5)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_images_are_classified_the_same_after_a_file():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 64))
    X[::2] += 0.8  # every second image is brighter
    y = np.where(np.arange(200) % 2, "dark", "bright")
    options = {
        "max_iter": 100,
        "input_shape": (1, 8, 8),
        "conv_channels": (4, 4),
        "stride": (2, 1),
    }
    model = ARDClassifier((8,), random_state=0, **options).fit(X, y)
    loaded = through_a_file(model)
    assert_same(loaded, model, X)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_path_of_a_cross_validation_is_kept():
    options = {"cv": 2, "reg_factors": [0.5, 2.0], "likelihood": "gaussian"}
    model, X, _ = fitted(ARDRegressorCV, n_bins=0, **options)
    loaded = through_a_file(model)
    assert_same(loaded, model, X)
    pd.testing.assert_frame_equal(loaded.path_.to_frame(), model.path_.to_frame())
    assert loaded.reg_factor_ == model.reg_factor_
    scores = "mean_test_score"
    np.testing.assert_array_equal(loaded.cv_results_[scores], model.cv_results_[scores])


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_training_goes_on_with_the_same_bits(method):
    X, y = frame()
    options = {"warm_start": method == "fit", "max_iter": 40, "likelihood": "gaussian"}
    model = ARDRegressor((8,), random_state=0, **options)
    getattr(model, method)(X, y)
    loaded = through_a_file(model)
    for each in (model, loaded):
        getattr(each, method)(X, y)
    assert_same(loaded, model, X)


def test_loading_leaves_the_random_state_of_torch_alone():
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    before = torch.get_rng_state()
    through_a_file(model)
    assert torch.equal(torch.get_rng_state(), before)


def test_paths_devices_and_requests_of_metadata_are_kept():
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    model.set_params(checkpoint=Path("folder"), device=torch.device("cpu"))
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
    loaded = through_a_file(model)
    assert (loaded.checkpoint, loaded.device) == ("folder", "cpu")
    with config_context(enable_metadata_routing=True):
        requests = loaded.get_metadata_routing().fit.requests
    assert requests == {"sample_weight": True}


@pytest.mark.parametrize(
    "parameter, value",
    [
        ("module", torch.nn.Linear(3, 1)),
        ("callbacks", [print]),
        ("random_state", np.random.RandomState(0)),
    ],
)
def test_parameters_that_are_no_data_are_named(parameter, value, tmp_path):
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    model.set_params(**{parameter: value})
    with pytest.raises(ValueError, match=f"Got '{parameter}' with .*compact"):
        model.save(tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    with pytest.raises(FileNotFoundError, match=r"No such folder: '.*nowhere'"):
        model.save(tmp_path / "nowhere" / "model.npz")


def test_files_of_other_models_are_refused():
    with pytest.raises(NotFittedError):
        ARDRegressor().save(io.BytesIO())
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    whole, small = io.BytesIO(), io.BytesIO()
    model.save(whole)
    model.compact().save(small)
    small.seek(0)
    with pytest.raises(ValueError, match="Got one of CompactRegressor"):
        ARDRegressor.load(small)
    whole.seek(0)
    with pytest.raises(ValueError, match="Got one of ARDRegressor"):
        CompactRegressor.load(whole)


def test_a_file_without_a_part_is_damaged(tmp_path):
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    model.save(tmp_path / "model.npz")
    contents, arrays = archive.read(tmp_path / "model.npz")
    contents["model"] = contents["model"].replace('"weights"', '"nothing"')
    archive.write(tmp_path / "model.npz", contents, arrays)
    with pytest.raises(ValueError, match="ARDRegressor.load is damaged"):
        ARDRegressor.load(tmp_path / "model.npz")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.npz")), ids=lambda p: p.stem)
def test_files_of_earlier_versions_are_loaded_and_train_on(path):
    cls = ARDClassifier if "image" in path.stem else ARDRegressor
    model = cls.load(path)
    X = pd.read_json(path.with_suffix(".json"), orient="table")
    answer = X.pop("answer")
    if cls is ARDClassifier:
        X = X.to_numpy()
        found = model.predict_proba(X)[:, 1]
    else:
        found = model.predict(X)
    np.testing.assert_allclose(found, answer, rtol=1e-4)
    model.partial_fit(X, np.round(answer))
    assert np.isfinite(model.elbo_)


def test_a_file_that_says_it_is_encrypted_is_damaged():
    model, _, _ = fitted(likelihood="gaussian", n_bins=0)
    file = io.BytesIO()
    model.save(file)
    data = bytearray(file.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # a flag of the first array
    with pytest.raises(ValueError, match="or it is damaged"):
        ARDRegressor.load(io.BytesIO(data))
