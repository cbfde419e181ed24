"""Random halves of the rows, and the columns that a selector picks on one.

Input: rows and a selector. Output: the indices of two halves, and which columns are
picked on one of them at every value of a parameter.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.validation import column_or_1d

from sklearn_ard._base import BaseARD
from sklearn_ard._context import usual_torch
from sklearn_ard.selection.path import walking


def check_groups(groups: Any) -> np.ndarray:
    """Labels of the groups as integers."""
    codes, labels = pd.factorize(column_or_1d(np.asarray(groups)))
    if (codes < 0).any() or len(labels) < 2:
        raise ValueError(
            "groups must have a label for every row, and at least two labels, for two "
            f"halves. Got {len(labels)} instead, and {(codes < 0).sum()} rows without."
        )
    return codes


def halve(
    y: Any, stratify: bool, groups: np.ndarray | None, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Two random halves of the rows, without a row or a group in common."""
    half = len(y) // 2
    if groups is not None:
        labels, group = np.unique(groups, return_inverse=True)
        is_first = rng.permutation(len(labels)) < len(labels) // 2
        return np.flatnonzero(is_first[group]), np.flatnonzero(~is_first[group])
    if stratify:
        splitter = StratifiedShuffleSplit(
            1, train_size=half, test_size=half, random_state=rng
        )
        return next(splitter.split(np.zeros(len(y)), y))
    order = rng.permutation(len(y))
    return order[:half], order[half : 2 * half]


@usual_torch()
def pick_on_half(
    template: BaseEstimator,
    rows: Sequence[Any],
    half: np.ndarray,
    param: str,
    values: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Which columns are picked on some rows, at every value."""
    y: Any
    X, y, weight = (
        part if part is None else _safe_indexing(part, half) for part in rows
    )
    seeds = {
        name: seed
        for name in template.get_params()
        if name.split("__")[-1] == "random_state"
    }
    template = clone(template).set_params(**seeds)
    if isinstance(template, BaseARD) and param == "reg_factor":
        with walking(template, X, y, weight) as (walk, _):
            points = walk.over(values)
        support = walk.task.blocks.support
        return np.stack([support(points[value].support) for value in values.tolist()])
    options = {}
    if weight is not None:
        by_name = isinstance(template, Pipeline) and not _routing_enabled()
        name = template.steps[-1][0] + "__" if by_name else ""
        options[f"{name}sample_weight"] = weight
    models = (clone(template).set_params(**{param: value}) for value in values.tolist())
    return np.stack([_support_of(model.fit(X, y, **options)) for model in models])


def last_step(estimator: BaseEstimator) -> BaseEstimator:
    """The estimator that selects."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _support_of(fitted: BaseEstimator) -> np.ndarray:
    """Which columns a fitted selector picks."""
    last = last_step(fitted)
    if hasattr(last, "get_support"):
        return last.get_support()
    if hasattr(last, "coef_"):
        return (np.atleast_2d(last.coef_) != 0).any(axis=0)
    raise ValueError(
        "The 'estimator' parameter of StabilitySelection must have get_support() or "
        f"coef_ after fit. Got a {type(last).__name__}, which has neither."
    )
