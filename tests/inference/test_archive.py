"""Files of models: nothing is lost, nothing is executed, no later version is needed."""

import io
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel

from sklearn_ard import (
    ARDClassifier,
    ARDRegressor,
    ARDRegressorCV,
    CompactClassifier,
    CompactRegressor,
    RegularizationPathDisplay,
    RelevanceDisplay,
    ard_path,
)
from sklearn_ard import _archive as archive

FOLDER = Path(__file__).parent / "models"  # written by the versions in their names


def frame(n=300):
    """A table with a gap, a category and a skewed target."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    X["c"] = rng.choice(["x", "y", "ü"], n)
    y = np.exp(X["a"] + (X["c"] == "x") + 0.3 * rng.normal(size=n))
    X.loc[::7, "b"] = np.nan
    X.loc[3::9, "c"] = None
    return X, y


REGRESSORS = {
    "gaussian": {"likelihood": "gaussian", "n_bins": 8},
    "student_t": {"likelihood": "student_t"},
    "heteroscedastic": {"likelihood": "heteroscedastic"},
    "skew_t": {"likelihood": "skew_t", "n_networks": 2},
    "lognormal": {"likelihood": "lognormal"},
    "yeo-johnson": {"likelihood": "yeo-johnson"},
    "empty": {"likelihood": "gaussian", "feature_cost": 1e6},
}


def regressor(name):
    X, y = frame()
    options = {"n_bins": 0, **REGRESSORS[name]}
    return ARDRegressor((8,), random_state=0, max_iter=60, **options).fit(X, y), X, y


def answers(model, X, y):
    """All that a regressor says of rows."""
    return [
        *model.predict(X, return_std=True),
        model.predict_quantiles(X),
        model.log_density(X, y),
        model.feature_importances_,
        model.get_support(),
        model.noise_std_,
    ]


def through_a_file(model):
    file = io.BytesIO()
    model.save(file)
    return type(model).load(io.BytesIO(file.getvalue()))


@pytest.mark.filterwarnings("ignore:No input is worth")
@pytest.mark.parametrize("name", REGRESSORS)
def test_a_loaded_regressor_gives_the_same_answers(name):
    model, X, y = regressor(name)
    small = model.compact()
    for same in (small, through_a_file(small), pickle.loads(pickle.dumps(small))):
        for found, expected in zip(
            answers(same, X, y), answers(model, X, y), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(
            same.get_feature_names_out(), model.get_feature_names_out()
        )
        unknown = X.assign(c="never seen")
        np.testing.assert_array_equal(same.predict(unknown), model.predict(unknown))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 1, 2]),
        np.array([False, True]),
        np.array(["no", "yes", "ünsure"]),
        np.array(["no", "yes"], dtype=object),
        np.array([0.0, 1.0]),
    ],
    ids=str,
)
def test_a_loaded_classifier_gives_the_same_answers(labels):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = labels[np.digitize(X[:, 0], [-0.4, 0.4][: len(labels) - 1])]
    small = ARDClassifier((8,), random_state=0, max_iter=60).fit(X, y).compact()
    loaded = through_a_file(small)
    np.testing.assert_array_equal(loaded.predict_proba(X), small.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), small.predict(X))
    assert loaded.classes_.tolist() == small.classes_.tolist()
    assert loaded.classes_.dtype == small.classes_.dtype


def test_a_loaded_network_of_images_gives_the_same_answers():
    X = np.random.default_rng(0).normal(size=(90, 64))
    y = (X[:, 9] > 0).astype(int)
    model = ARDClassifier(
        (8,), input_shape=(1, 8, 8), conv_channels=(4,), max_iter=20, random_state=0
    ).fit(X, y)
    loaded = through_a_file(model.compact())
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_a_compact_model_is_a_selector_and_is_drawn():
    pytest.importorskip("matplotlib").use("Agg")
    model, X, _ = regressor("gaussian")
    small = through_a_file(model.compact())
    assert RelevanceDisplay.from_estimator(small).ax_ is not None
    selected = SelectFromModel(small, prefit=True, threshold=1e-9).transform(X)
    assert selected.shape[1] == small.get_support().sum()
    pd.testing.assert_frame_equal(
        pd.DataFrame(through_a_file(clone(small)).transform(X)),
        pd.DataFrame(model.transform(X)),
    )


def test_cv_classes_and_requests_are_kept():
    X, y = frame()
    model = ARDRegressorCV((8,), reg_factors=[0.5, 1], cv=2, max_iter=60, n_bins=0)
    small = model.fit(X, y).compact()
    with config_context(enable_metadata_routing=True):
        small.set_score_request(sample_weight=True)
    copy = pickle.loads(pickle.dumps(small))
    assert copy.get_metadata_routing().score.requests == {"sample_weight": True}
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert not hasattr(pickle.loads(pickle.dumps(CompactRegressor())), "_fitted")


def test_skops_lists_one_name():
    io_ = pytest.importorskip("skops.io")
    model, X, _ = regressor("skew_t")
    dumped = io_.dumps(model.compact())
    untrusted = io_.get_untrusted_types(data=dumped)
    assert untrusted == ["sklearn_ard.CompactRegressor"]
    loaded = io_.loads(dumped, trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_bad_files_are_refused_and_nothing_is_half_written(tmp_path):
    model, X, y = regressor("gaussian")
    path = tmp_path / "model"
    small = model.compact()
    small.save(path)
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
    with pytest.raises(ValueError, match="Load it by sklearn_ard.CompactRegressor"):
        CompactClassifier.load(path)
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], pickle.dumps(small)):
        (tmp_path / "damaged").write_bytes(damaged)
        with pytest.raises(ValueError, match="no model that 'save'"):
            CompactRegressor.load(tmp_path / "damaged")
    contents, arrays = archive.read(path)
    contents["format"] = archive.FORMAT + 1
    header = np.frombuffer(json.dumps(contents).encode(), np.uint8)
    np.savez(tmp_path / "newer.npz", header=header, **arrays)
    with pytest.raises(ValueError, match=r"newer.npz.*Upgrade sklearn_ard"):
        CompactRegressor.load(tmp_path / "newer.npz")
    for wrong in (None, "x"):
        header = json.dumps(contents | {"format": wrong}).encode()
        np.savez(tmp_path / "wrong.npz", header=np.frombuffer(header, np.uint8))
        with pytest.raises(ValueError, match="no model that 'save'"):
            CompactRegressor.load(tmp_path / "wrong.npz")
    contents["format"] = archive.FORMAT
    archive.write(tmp_path / "lacking", contents, {})
    with pytest.raises(ValueError, match="parts of the model are missing"):
        CompactRegressor.load(tmp_path / "lacking")
    with pytest.raises(NotFittedError):
        CompactRegressor().save(path)
    with pytest.raises(FileNotFoundError):
        small.save(tmp_path / "missing" / "model")
    with pytest.raises(archive.NotPlain, match="of type object"):
        archive.Archive().pack({"a": [object()]})
    assert path.read_bytes() == whole


_WITHOUT_TORCH = """
import sys

class Missing:  # as if they were not installed
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "skorch"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import pickle
import numpy, pandas, sklearn_ard

model = sklearn_ard.CompactRegressor.load(sys.argv[1] + "/model")
with open(sys.argv[1] + "/others", "rb") as file:
    X, y, expected, path, display = pickle.load(file)
for found, wanted in zip((*model.predict(X, return_std=True), model.log_density(X, y),
                          model.predict_quantiles(X)), expected, strict=True):
    numpy.testing.assert_array_equal(found, wanted)
assert len(path) == len(path.to_frame()) == 2
for name in sklearn_ard.__all__:
    if name.endswith("Display"):
        getattr(sklearn_ard, name)
assert type(display).__name__ == "RegularizationPathDisplay"
"""


def test_all_but_training_works_without_torch(tmp_path):
    model, X, y = regressor("skew_t")
    model.compact().save(tmp_path / "model")
    expected = [*model.predict(X, return_std=True), model.log_density(X, y)]
    expected.append(model.predict_quantiles(X))
    path = ard_path(X, y, estimator=model.set_params(n_networks=1), reg_factors=[1, 3])
    display = RegularizationPathDisplay(path)
    with open(tmp_path / "others", "wb") as file:
        pickle.dump((X, y, expected, path, display), file)
    command = [sys.executable, "-c", _WITHOUT_TORCH, str(tmp_path)]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.npz")), ids=lambda p: p.stem)
def test_files_of_earlier_versions_are_loaded(path):
    contents, arrays = archive.read(path)
    assert contents["format"] <= archive.FORMAT
    cls = {"CompactRegressor": CompactRegressor, "CompactClassifier": CompactClassifier}
    model = cls[contents["class"]].load(path)
    expected = pd.read_json(path.with_suffix(".json"), orient="table")
    X = expected.drop(columns="answer")
    if isinstance(model, CompactClassifier):
        found = model.predict_proba(X.to_numpy())[:, 1]
    else:
        found = model.predict(X)
    np.testing.assert_allclose(found, expected["answer"], rtol=1e-4)
