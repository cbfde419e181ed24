"""Checks of the weights of rows and of classes.

Input: weights from the user. Output: numbers of rows, or an error.
"""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from sklearn_ard._naming import naming

LARGEST_WEIGHT = 1e12  # of all rows together
SMALLEST_CLASS_WEIGHT = 1e-12  # of the class with the largest one


def check_class_weight(class_weight: Any) -> None:
    """Refuse weights of classes that are no weights."""
    given = class_weight.values() if isinstance(class_weight, dict) else [1.0]
    good = [
        # no float(w): of 10**400 there is none. mypy knows no order of Real
        isinstance(w, Real) and 0 <= w <= LARGEST_WEIGHT  # type: ignore[operator]
        for w in given  # NaN is not within
    ]
    if not all(good) or max(given, default=0) < SMALLEST_CLASS_WEIGHT:
        raise ValueError(
            "The 'class_weight' parameter must have finite weights that are not "
            f"negative, and a positive one of at least {SMALLEST_CLASS_WEIGHT:g}. Got "
            f"{class_weight!r} instead."
        )


def checked_weight(sample_weight: ArrayLike | None, X: Any) -> np.ndarray:
    """Weights as numbers of rows; those that sum to 1 are shares of them."""
    with naming("sample_weight", sample_weight):
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
    total = weight.sum()
    if not weight.any():
        raise ValueError(
            "The 'sample_weight' parameter must have a positive entry. "
            "Got only zeros instead."
        )
    if total > LARGEST_WEIGHT:
        raise ValueError(
            "The 'sample_weight' parameter must sum to the number of rows that it "
            f"stands for, at most {LARGEST_WEIGHT:g}. Got a sum of {total:g} instead. "
            "Divide it by its mean."
        )
    if total <= 1 + 1e-9 and np.count_nonzero(weight) > 1:
        weight = weight / weight.max()  # it may be tiny
        weight = weight * (np.count_nonzero(weight) / weight.sum())
    return weight
