"""Tables with categories and gaps, and what is known of them."""

import numpy as np
import pandas as pd
import pytest

SMALL = {"hidden_layer_sizes": 16, "max_iter": 60, "random_state": 0}


QUICK = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0, "feature_cost": 0}


EFFECT = {"red": -1.0, "green": 0.0, "blue": 1.0, "grey": 2.0}


def table(n=300, seed=0):
    """`size` and `colour` matter; `weight` and `shape` do not, and have gaps."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["size", "weight"])
    X["colour"] = rng.choice(list(EFFECT), n)
    X["shape"] = pd.Categorical(rng.choice(["round", "square", "flat"], n))
    X.loc[rng.random(n) < 0.2, ["weight", "shape"]] = None
    return X, X["size"] + X["colour"].map(EFFECT) + 0.2 * rng.normal(size=n)


def labels(y):
    return np.where(y > y.mean(), "high", "low")


def kept_inputs(model):
    """Columns and levels of the inputs that the network reads."""
    encoding = model._fitted.data.encoding
    used = model._fitted.trained.support
    return list(
        zip(encoding.column[used].tolist(), encoding.level[used].tolist(), strict=True)
    )


def gaps_in(values, seed=2):
    values = values.copy()
    is_gap = np.random.default_rng(seed).random(len(values)) < 0.3
    values[is_gap] = np.nan
    return values, is_gap


def of_polars(X):
    pl = pytest.importorskip("polars")
    return pl.DataFrame(
        {name: [None if pd.isna(v) else v for v in X[name]] for name in X}
    )


def of_objects(X):
    return X.astype(object).to_numpy()


def numbers_with_gaps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)) * (rng.random((80, 4)) < 0.5)
    X[:, 1:3][rng.random((80, 2)) < 0.3] = np.nan
    return X, X[:, 0] + np.isnan(X[:, 1])
