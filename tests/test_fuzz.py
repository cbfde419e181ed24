"""Whatever a user passes: finite results, or an error that names what was wrong."""

import copy
import pickle
import re
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hostile import PARAMETERS
from hostile_data import SHAPES, WEIGHTS, X_KINDS, Y_KINDS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso

from sklearn_ard import (
    ARDClassifier,
    ARDClassifierCV,
    ARDRegressor,
    ARDRegressorCV,
    StabilitySelection,
    ard_path,
)

SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
SEARCH = {**SMALL, "reg_factors": [1.0, 2.0], "cv": 2}
STABILITY = {"n_pairs": 2, "threshold": 1.0, "random_state": 0}
OF_LASSO = {"estimator": Lasso(), "param": "alpha", "values": [0.3], **STABILITY}
OF_OURS = {"estimator": ARDRegressor(**SMALL), "values": [10.0], **STABILITY}
IMAGES = {"input_shape": (1, 3), "conv_channels": (2,)}
MODULE = {"module": PARAMETERS["module"][1]}
PATH = {
    "estimator": ARDRegressor(**SMALL),
    **{"reg_factors": None, "points_per_decade": 1, "scoring": None},
    "return_models": True,
}
LASSO = "StabilitySelection of a Lasso"
OWNERS = {
    "ARDRegressor": (ARDRegressor, SMALL),
    "ARDClassifier": (ARDClassifier, SMALL),
    "ARDRegressorCV": (ARDRegressorCV, SEARCH),
    "ARDClassifierCV": (ARDClassifierCV, SEARCH),
    LASSO: (StabilitySelection, OF_LASSO),
    "StabilitySelection": (StabilitySelection, OF_OURS),
    "ard_path": (ard_path, PATH),
}
LABELS = (ARDClassifier, ARDClassifierCV)
WITHOUT_NETWORK = (StabilitySelection, ard_path)
CALLS = {
    "predict": lambda model, X, y, weight: model.predict(X),
    "transform": lambda model, X, y, weight: model.transform(X),
    "predict_proba": lambda model, X, y, weight: model.predict_proba(X),
    "predict_std": lambda model, X, y, weight: model.predict(X, return_std=True)[0],
    "predict_quantiles": lambda model, X, y, w: model.predict_quantiles(X, [0.1, 0.9]),
    "score": lambda model, X, y, weight: model.score(X, y, sample_weight=weight) or 0,
    "fit": lambda model, X, y, weight: model.fit(X, y, weight) and 0,
    "partial_fit": lambda model, X, y, weight: chunk(model, X, y, weight) and 0,
    "set_threshold": lambda model, X, y, weight: model.set_threshold(0.0) and 0,
    "empty": lambda model, X, y, weight: model.set_threshold(-np.inf) and 0,
    "compact": lambda model, X, y, weight: model.compact().predict(X),
    "clone": lambda model, X, y, weight: clone(model).fit(X, y, weight) and 0,
    "pickle": lambda model, X, y, w: pickle.loads(pickle.dumps(model)).predict(X),
    "report": lambda model, X, y, w: model.compression_report()["weights"].to_numpy(),
}
OF_SKLEARN = ("transform", "score")  # inherited, with the errors of scikit-learn
ERRORS = (ValueError, TypeError, NotFittedError, FloatingPointError, MemoryError)
# What scikit-learn's and pandas' own messages call the data.
DATA = {
    "X": r"\bX\b|[Cc]olumn|feature|sample|array|matrix|tensor",
    "y": r"\by\b|target|label|class|sample|scores",
    "weight": r"[Ss]ample[ _]?weight|weights|sample|classes",
}


def chunk(model, X, y, weight):
    if isinstance(model, LABELS) and not hasattr(model, "classes_"):
        return model.partial_fit(X, y, classes=y, sample_weight=weight)
    return model.partial_fit(X, y, sample_weight=weight)


@st.composite
def cases(draw):
    """What to build, from which data, and what to call; names only, for the report."""
    kind = draw(st.sampled_from(list(OWNERS)))
    owner, _ = OWNERS[kind]
    names = sorted(set(options_of(owner)) & set(PARAMETERS))
    count = draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))
    chosen = draw(st.lists(st.sampled_from(names), max_size=count, unique=True))
    values = {name: draw(st.integers(0, len(PARAMETERS[name]) - 1)) for name in chosen}
    plain, text = ("float64", "frame"), "labels" if owner in LABELS else "numbers"
    hostile = draw(st.sampled_from(["", "", "X", "y", "w", "Xy", "Xw", "yw"]))
    again = draw(st.sampled_from(["", "", "X", "y", "w"]))

    def data(hostile):
        return {
            "X": draw(st.sampled_from(list(X_KINDS) if "X" in hostile else plain)),
            "y": draw(st.sampled_from(list(Y_KINDS) if "y" in hostile else [text])),
            "weight": draw(
                st.sampled_from(list(WEIGHTS) if "w" in hostile else ["none"])
            ),
            "shape": draw(st.sampled_from(SHAPES if "X" in hostile else SHAPES[:1])),
        }

    base = draw(st.sampled_from(["", "", "", "images", "module"]))
    calls = draw(st.lists(st.sampled_from(list(CALLS)), max_size=4))
    first = draw(st.sampled_from(["fit", "fit", "fit", "partial_fit", *CALLS]))
    return kind, base, values, data(hostile), data(again), [first, *calls]


def options_of(owner):
    return PATH if owner is ard_path else owner().get_params(deep=False)


def made(data):
    """X, y and weights of some names."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=data["shape"])
    y = X[:, 0] if X.shape[1] else rng.normal(size=len(X))
    return (
        X_KINDS[data["X"]](X),
        Y_KINDS[data["y"]](y + 0.1 * rng.normal(size=len(y))),
        WEIGHTS[data["weight"]](len(X)),
    )


def check(case):
    """Run a case; raise an AssertionError that says which promise was broken."""
    kind, base, values, data, again, calls = case
    owner, options = OWNERS[kind]
    if owner not in WITHOUT_NETWORK:
        options = {**options, **{"images": IMAGES, "module": MODULE}.get(base, {})}
    given = {name: copy.deepcopy(PARAMETERS[name][k]) for name, k in values.items()}
    options = {**options, **given}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("error", category=category, module="sklearn_ard")
        if owner is ard_path:
            X, y, weight = made(data)
            attempt(lambda: walked(X, y, weight, options), None, case, (X, y))
            return
        model = owner(**options)
        for k, name in enumerate(calls):
            call, of = CALLS[name], data if k == 0 else again
            if available(model, name):
                rows = made(of)
                call = partial(call, model, *rows)
                attempt(call, model, case, rows, is_ours(kind, values, name))


def is_ours(kind, values, name):
    """Whether errors and results are those of this package, not of scikit-learn."""
    other = owner_of(kind) is StabilitySelection and "estimator" in values
    return name not in OF_SKLEARN and kind != LASSO and not other


def owner_of(kind):
    owner, _ = OWNERS[kind]
    return owner


def available(model, name):
    """Whether an estimator has what a call needs."""
    method = {"predict_std": "predict", "empty": "set_threshold", "clone": "fit"}
    method = {**method, "report": "compression_report", "pickle": "predict"}
    if name in ("predict_std", "predict_quantiles") and isinstance(model, LABELS):
        return False
    return hasattr(model, method.get(name, name))


def walked(X, y, weight, options):
    path = ard_path(X, y, sample_weight=weight, **options)
    return np.r_[path.elbo, path.relevance.ravel(), path.sparsity]


def attempt(call, model, case, rows, is_ours=True):
    """A call of which the results are finite, or the error names what is unusual."""
    state = {} if model is None else dict(vars(model))
    before = [copied(part) for part in rows]
    accepted = ERRORS if is_ours else (Exception,)
    try:
        result = call()
    except accepted as error:
        assert not is_ours or names_cause(error, case), f"not named: {error!r}"
        if model is not None:
            now = vars(model)
            assert now.keys() == state.keys(), f"left {now.keys() ^ state.keys()}"
            assert all(now[name] is state[name] for name in now)
    else:
        values = np.asarray(result)
        if is_ours and values.dtype.kind == "f":
            assert np.isfinite(values).all(), "not finite"
        for name in ("elbo_", "sparsity_", "feature_importances_", "probabilities_"):
            if model is not None and name in vars(model):
                assert np.isfinite(getattr(model, name)).all(), f"{name} not finite"
    for part, old in zip(rows, before, strict=True):
        assert is_same(part, old), "an input was changed"


def names_cause(error, case):
    """Whether a message names a changed parameter, or data that are unusual."""
    kind, base, values, data, again, _ = case
    owner, text = OWNERS[kind][0], str(error)
    usual_y = {"labels"} if owner in LABELS else {"numbers"}
    usual = {"X": {"float64", "frame"}, "y": usual_y, "weight": {"none"}}
    if isinstance(error, NotFittedError):
        return "not fitted yet" in text
    names = [*values, *_THAT_DEPEND, *(IMAGES if base == "images" else ()), base]
    if "cv" in values:
        names += ["n_splits", "splits"]
    if owner in WITHOUT_NETWORK:
        names += [*_INNER, "param", "y"]
    if any(re.search(rf"\b{name}\b", text) for name in names if name):
        return True
    return any(
        re.search(DATA[part], text)
        for part, names in usual.items()
        if not {data[part], again[part]} <= names
        or {data["shape"], again["shape"]} != {SHAPES[0]}
    )


_THAT_DEPEND = ("classes", "partial_fit", "compact", "threshold", "predict_quantiles")
_INNER = (
    *("alpha", "batch_size", "feature_cost", "max_iter", "n_networks", "prior"),
    *("values", "warm_start"),
)


def copied(part):
    return None if hasattr(part, "__next__") else copy.deepcopy(part)


def is_same(part, old):
    if old is None:
        return True
    if isinstance(part, (pd.DataFrame, pd.Series)):
        return part.equals(old) and (part.dtypes is not None)
    if isinstance(part, np.ndarray):
        same = part.dtype == old.dtype and part.shape == old.shape
        return same and (part.dtype == object or part.tobytes() == old.tobytes())
    if isinstance(part, torch.Tensor):
        return torch.equal(part, old)
    if sp.issparse(part):
        same = type(part) is type(old) and part.dtype == old.dtype
        parts = ("data", "indices", "indptr", "coords", "offsets")
        return same and all(
            np.array_equal(
                getattr(part, name, 0), getattr(old, name, 0), equal_nan=False
            )
            for name in parts
            if not (name == "data" and np.isnan(old.tocoo().data).any())
        )
    return True


FEW = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@given(cases())
@settings(FEW, max_examples=100)
def test_a_hundred_cases(case):
    check(case)


@pytest.mark.slow
@given(cases())
@settings(FEW, max_examples=20_000)
def test_twenty_thousand_cases(case):
    check(case)
