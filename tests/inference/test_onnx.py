import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from torch import nn

from sklearn_ard import ARDClassifier, ARDRegressor

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(200, 6)) * 20 + 5


@pytest.fixture
def run(tmp_path):
    """What onnxruntime says of X, an array or inputs by name: all outputs by name."""

    def run_on(model, X, dtype=None):
        path = tmp_path / "model.onnx"
        model.to_onnx(path, dtype=dtype or X.dtype)
        session = onnxruntime.InferenceSession(path)
        names = [output.name for output in session.get_outputs()]
        X = X if isinstance(X, dict) else {"X": X}
        return dict(zip(names, session.run(names, X), strict=True))

    return run_on


@pytest.mark.parametrize("n_outputs", [None, 2])
@pytest.mark.parametrize("offset", [0, 1e7])
def test_regressor(run, X, n_outputs, offset):
    X = X + offset
    y = np.abs(X[:, 0] - X[:, 0].mean()) + X[:, 1] / 5
    y = y if n_outputs is None else np.column_stack([y, X[:, 2] * 1e4])
    model = ARDRegressor((16,), random_state=0, max_iter=50).fit(X, y)
    for exported in (model, model.compact()):
        found = run(exported, X)["prediction"]
        assert found.shape == y.shape
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-5)


@pytest.mark.parametrize(
    "labels", [np.array(["no", "yes", "perhaps"]), np.array([3, 7, 1]), [False, True]]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_classifier(run, X, labels, dtype):
    labels = np.asarray(labels)
    y = labels[np.digitize(X[:, 0], [0, 10]) % len(labels)]
    X = X.astype(dtype)
    model = ARDClassifier((16,), random_state=0, max_iter=20).fit(X, y)
    found = run(model, X)
    np.testing.assert_array_equal(found["label"], model.predict(X))
    np.testing.assert_allclose(
        found["probabilities"], model.predict_proba(X), atol=1e-5
    )


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 2**64 - 1], dtype=np.uint64),
        np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[s]"),
        np.array([1, 2], dtype="timedelta64[s]"),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_that_no_file_can_hold(X, labels, tmp_path):
    model = ARDClassifier((3,), max_iter=2, random_state=0)
    model.fit(X, labels[(X[:, 0] > 0).astype(int)])
    assert set(model.predict(X)) <= set(labels)
    message = r"ARDClassifier.to_onnx can write labels that.*Got \[.*of type "
    with pytest.raises(ValueError, match=message + str(labels.dtype)[:6]):
        model.to_onnx(tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="CompactClassifier.to_onnx can write labels"):
        model.compact().to_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "silu", "gelu"])
@pytest.mark.parametrize("stride, padding, pool_size", [(1, "same", 2), (2, 1, 1)])
def test_images(run, activation, stride, padding, pool_size):
    X, y = load_digits(return_X_y=True)
    X, y = X[:200], y[:200]
    model = ARDClassifier(
        input_shape=(1, 8, 8), conv_channels=(4, 4), stride=stride, padding=padding,
        pool_size=pool_size, activation=activation, random_state=0, max_iter=3,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(
        run(model, X)["probabilities"], model.predict_proba(X), atol=1e-5
    )


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        nn.AvgPool2d(2, 2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(1),
    ],
    ids=str,
)
def test_trained_networks(run, padding_mode, pool):
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode=padding_mode),
        nn.BatchNorm2d(4),
        nn.ELU(),
        nn.Conv2d(4, 4, 3, padding=2, groups=2, dilation=2),
        nn.LeakyReLU(),
        pool,
        nn.Flatten(),
        nn.LazyLinear(1),
    )
    X = np.random.default_rng(0).normal(size=(50, 36))
    y = X[:, 0] * 3
    import torch

    module.eval()(torch.zeros(1, 1, 6, 6))
    model = ARDRegressor(module=module, input_shape=(1, 6, 6), max_iter=2)
    model.fit(X, y)
    np.testing.assert_allclose(
        run(model, X)["prediction"], model.predict(X), rtol=1e-5, atol=1e-5
    )


def test_empty_model(run, X):
    y = np.random.default_rng(1).normal(size=len(X))
    with pytest.warns(UserWarning, match="empty"):
        model = ARDRegressor(random_state=0, reg_factor=50).fit(X, y)
    np.testing.assert_allclose(run(model, X)["prediction"], model.predict(X))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1e5])  # in the first layer, or subtracted
def test_missing_numbers(run, X, dtype, offset):
    X = (X + offset).astype(dtype)
    y = (X - offset).sum(axis=1) + 40 * (np.arange(len(X)) < 50)
    X[:50, 0] = X[:5, 2] = np.nan  # enough for an indicator, or not
    model = ARDRegressor((8,), random_state=0, max_iter=30, feature_cost=0).fit(X, y)
    assert model.get_support().all()
    X[100, 3] = X[101] = np.nan
    found = run(model, X)["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-5, atol=1e-5)


def test_only_needed_nodes_are_written(X, tmp_path):
    import onnx

    def kinds(X, n_bins=0):
        model = ARDRegressor(
            (8,), n_bins=n_bins, random_state=0, max_iter=5, feature_cost=0
        )
        model.fit(X, X[:, 0]).to_onnx(tmp_path / "m.onnx", dtype="f4")
        graph = onnx.load(tmp_path / "m.onnx").graph
        kinds = [node.op_type for node in graph.node]
        return kinds[: kinds.index("Gemm")]

    fill = ["Gather", "IsNaN", "Cast", "Where"]
    assert kinds(X) == fill
    with_gaps = np.column_stack([X, np.where(X[:, 0] > 5, np.nan, X[:, 1])])
    assert kinds(with_gaps) == [*fill[:3], "Mul", "Where"]
    of_bins = ["Max", "Min", "Sub"]
    assert kinds(X, 4) == [*fill[:2], *of_bins, *fill[2:]]
    assert kinds(with_gaps, 4) == [*fill[:2], *of_bins, "Cast", "Mul", "Where"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bins(run, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(1000, 3, size=(300, 4))
    X[rng.random((300, 4)) < 0.1] = np.nan
    y = np.nan_to_num(np.sin(2 * X[:, 1])) + np.isnan(X[:, 2])
    model = ARDRegressor(n_bins=8, random_state=0, max_iter=100).fit(X, y)
    assert model.get_support().any()
    far = np.vstack([X, X * 3, -X])  # beyond the outer edges
    found = run(model, far.astype(dtype))["prediction"]
    expected = model.predict(far.astype(dtype))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def frame():
    """Categories of strings and numbers between numbers, with gaps in all of them."""
    rng, n = np.random.default_rng(0), 300
    city = rng.choice(["Rome", "Oslo", "Bern", "a village", "a town"], n,
                      p=[0.4, 0.3, 0.24, 0.03, 0.03]).astype(object)  # fmt: skip
    city[:20] = None
    grade = pd.Series(rng.choice([1, 2, 7], n), dtype=object)
    grade[20:50] = None
    few_gaps = pd.Series(rng.choice(["", "a", "b"], n), dtype=object)
    few_gaps[:3] = None
    age, height = rng.normal(40, 10, n), rng.normal(170, 10, n)
    age[30:70] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "city": city,
            "grade": grade.astype("category"),
            "height": height,
            "few gaps": few_gaps,
            "value_1": rng.choice([0.1, 0.2, -0.3], n),
        }
    ).astype({"value_1": "category"})


@pytest.fixture(scope="module")
def score(frame):
    """Depends on the levels and on the gaps."""
    return (
        frame["height"].to_numpy() / 10
        + 3 * frame["age"].isna().to_numpy()
        + frame["city"].map({"Rome": 2.0, "Oslo": -2.0, "a town": 5}).fillna(0)
        + frame["grade"].astype(float).fillna(4)
        + frame["few gaps"].map({"": 2.0}).fillna(0)
        + frame["value_1"].astype(float) * 10
    )


@pytest.fixture(scope="module")
def asked(frame):
    """The rows of a frame, and one more for each kind of surprise."""
    surprises = [
        {"city": "Nowhere"}, {"city": None}, {"city": "a town"}, {"grade": 9},
        {"grade": None}, {"height": None}, {"age": None}, {"few gaps": "c"},
        {"few gaps": None}, {"few gaps": ""}, {"value_1": 0.15}, {"value_1": None},
    ]  # fmt: skip
    rows = [frame.iloc[100].to_dict()] * len(surprises)
    rows = [row | surprise for row, surprise in zip(rows, surprises, strict=True)]
    asked = pd.concat([frame.astype(object), pd.DataFrame(rows)], ignore_index=True)
    numbers = ["age", "grade", "height", "value_1"]
    return asked.astype(dict.fromkeys(numbers, float))


def columns_of(X, dtype):
    """Inputs for onnxruntime; "" is a level of "few gaps", so a gap is unknown."""
    columns = {}
    for name in X:
        if X[name].dtype == object:
            column = X[[name]].fillna("unknown" if name == "few gaps" else "")
            columns[name] = column.to_numpy(dtype=object)
        else:
            columns[name] = X[[name]].to_numpy(dtype)
    return columns


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1e4])  # in the first layer, or subtracted
def test_categories_of_a_regressor(run, frame, score, asked, dtype, offset):
    frame, asked = (X.assign(height=X["height"] + offset) for X in (frame, asked))
    model = ARDRegressor((16,), random_state=0, max_iter=30, feature_cost=0)
    model.fit(frame, score)
    assert model.get_support().all()
    expected = model.predict(asked)
    assert len(np.unique(expected[-12:])) >= 10  # the surprises count
    for exported in (model, model.compact()):
        found = run(exported, columns_of(asked, dtype), dtype)["prediction"]
        tolerance = 1e-5 if dtype == "f8" or not offset else 1e-3
        np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_categories_of_a_classifier(run, frame, score, asked):
    y = np.array(["low", "middle", "high"])[np.digitize(score, [20, 23])]
    model = ARDClassifier((16,), random_state=0, max_iter=30, feature_cost=0)
    model.fit(frame, y)
    assert model.get_support().all()
    found = run(model, columns_of(asked, "f8"), "f8")
    np.testing.assert_array_equal(found["label"], model.predict(asked))
    np.testing.assert_allclose(
        found["probabilities"], model.predict_proba(asked), atol=1e-5
    )


def test_columns_without_names_and_without_use(run):
    rng = np.random.default_rng(0)
    X = np.empty((200, 3), dtype=object)
    X[:, 0], X[:, 2] = rng.normal(size=(2, 200))
    X[:, 1] = rng.choice(["a", "b", "c"], 200)
    y = (X[:, 1] == "a") * 3.0 + rng.normal(size=200) / 10
    model = ARDRegressor((8,), random_state=0, max_iter=60, categorical_features=[1])
    model.fit(X, y)
    np.testing.assert_array_equal(model.get_support(), [False, True, False])
    columns = {
        f"x{j}": X[:, [j]] if j == 1 else X[:, [j]].astype(float) for j in (0, 1, 2)
    }
    found = run(model, columns, "f8")["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-5)
    # a category of which nothing is used
    model.fit(X, X[:, 0].astype(float))
    np.testing.assert_array_equal(model.get_support(), [True, False, False])
    found = run(model, columns, "f8")["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-5, atol=1e-5)


def test_empty_model_of_strings(run):
    rng = np.random.default_rng(0)
    X, y = pd.DataFrame({"a": rng.choice(["b", "c"], 100)}), rng.normal(size=100)
    with pytest.warns(UserWarning, match="empty"):
        model = ARDRegressor(random_state=0, reg_factor=50).fit(X, y)
    found = run(model, {"a": X.to_numpy(dtype=object)}, "f8")["prediction"]
    np.testing.assert_allclose(found, model.predict(X))


@pytest.mark.parametrize(
    "names, match",
    [(["prediction", "b"], "Got 'prediction', twice"), (["a", ""], "which is empty")],
)
def test_bad_names(frame, score, tmp_path, names, match):
    X = frame[["city", "height"]].set_axis(names, axis=1)
    model = ARDRegressor((4,), random_state=0, max_iter=5).fit(X, score)
    with pytest.raises(ValueError, match=match):
        model.to_onnx(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_levels_that_float32_cannot_tell_apart(run, tmp_path):
    X = np.repeat([2**24, 2**24 + 1, 5], 50)[:, None].astype(float)
    y = (X[:, 0] == 2**24) * 1.0
    model = ARDRegressor(
        (4,), random_state=0, max_iter=30, feature_cost=0, categorical_features=[0]
    ).fit(X, y)
    found = run(model, {"x0": X}, "f8")["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="must be numpy.float64 where levels of 'x0'"):
        model.to_onnx(tmp_path / "m.onnx", dtype=np.float32)


def test_bad_input(X, tmp_path, monkeypatch):
    model = ARDRegressor((4,), random_state=0, max_iter=5).fit(X, X[:, 0])
    with pytest.raises(
        ValueError, match="'dtype' parameter of ARDRegressor.to_onnx.*int64"
    ):
        model.to_onnx(tmp_path / "m.onnx", dtype="int64")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"sklearn-ard\[onnx\]"):
        model.to_onnx(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
