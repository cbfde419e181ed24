import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sklearn_ard import ARDClassifier, ARDRegressor


def signal(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 12))
    X[:, 7] = X[:, 3]
    X[:, 10] = 5 - 0.3 * X[:, 3]
    return X, 2 * np.sin(2 * X[:, 3]) + X[:, 0] + 0.5 * rng.normal(size=n)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_of_copies_one_stays_whatever_its_units_and_sign(container):
    X, y = signal()
    model = ARDRegressor(random_state=0, max_iter=150).fit(container(X), y)
    assert model.get_support(indices=True).tolist() == [0, 3]


def test_the_cheapest_copy_stays_and_required_ones():
    X, y = signal()
    options = {
        "random_state": 0,
        "max_iter": 150,
        "n_bins": 0,
        "likelihood": "gaussian",
    }
    model = ARDRegressor(feature_cost={3: 9.0, 7: 9.0}, **options).fit(X, y)
    assert model.get_support(indices=True).tolist() == [0, 10]
    model = ARDRegressor(required_features=[7], **options).fit(X, y)
    assert model.get_support(indices=True).tolist() == [0, 7]
    model = ARDRegressor(required_features=[3, 7], **options).fit(X, y)
    assert model.get_support(indices=True).tolist() == [0, 3, 7]


def test_near_copies_are_not_copies():
    X, y = signal()
    rng = np.random.default_rng(1)
    X[:, 7] = X[:, 3] + 0.01 * rng.normal(size=400)
    data = ARDRegressor(n_bins=0, max_iter=10).fit(X, y)._fitted.data
    assert data.varies[[3, 7]].all() and not data.varies[10]


def test_copies_of_categories_and_gaps():
    X, y = signal()
    frame = pd.DataFrame({"value": X[:, 1], "other": X[:, 2]})
    frame.loc[::7, "value"] = np.nan
    frame["again"] = 3 * frame["value"]
    frame["filled"] = frame["value"].fillna(frame["value"].mean())  # without the gaps
    codes = np.random.default_rng(2).integers(3, size=400)
    frame["level"] = pd.Categorical.from_codes(codes, ["a", "b", "c"])
    frame["same"] = pd.Categorical.from_codes(codes, ["a", "b", "c"])
    frame["unlike"] = pd.Categorical.from_codes(codes[::-1], ["a", "b", "c"])
    data = ARDClassifier(n_bins=0, max_iter=10).fit(frame, y > 0)._fitted.data
    read = data.blocks.having(data.varies)
    assert dict(zip(frame, read, strict=True)) == {
        "value": True,
        "other": True,
        "again": False,
        "filled": True,
        "level": True,
        "same": False,
        "unlike": True,
    }


def test_chunks_and_images_read_all():
    X, y = signal()
    chunked = ARDRegressor(random_state=0).partial_fit(X, y)
    assert chunked._fitted.data.varies.all()
    pixels = np.repeat(X[:, :8], 2, axis=1)
    image = ARDRegressor(input_shape=(1, 4, 4), max_iter=2).fit(pixels, y)
    assert image._fitted.data.varies.all()
