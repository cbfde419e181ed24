"""Choice of a point of a path by its scores, or by its number of columns or weights.

Input: a path with the scores of all folds. Output: the index of a point.
"""

import warnings
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from sklearn_ard._validation import LARGEST_FACTOR
from sklearn_ard.selection.points import ARDPath

_TIE = 1e-9  # relative; smaller differences between scores are rounding


@dataclass(frozen=True, eq=False)
class Choice:
    """A point of a path.

    Attributes
    ----------
    feature_cost : float, str, array-like or mapping
        Price of the columns, of the whole path.
    path : ARDPath
        Of all rows.
    points : dict of float to Trained
        Its models.
    results : dict of ndarray
        Scores of the folds, as `cv_results_`.
    index : int
        Position of the point.
    n_features : int or None
        Number of columns to reduce its model to.
    """

    feature_cost: object
    path: ARDPath
    points: dict
    results: dict
    index: int
    n_features: int | None

    @property
    def score(self) -> float:
        """Mean score of the point over the folds."""
        return float(self.results["mean_test_score"][self.index])


def check_feature_costs(estimator: Any) -> list[Any]:
    """Return the prices among which a CV estimator chooses, or raise an error."""
    costs = estimator.feature_costs
    if costs is None:
        return [estimator.feature_cost]
    costs = list(costs) if getattr(costs, "ndim", 1) else []
    if not costs or not all(map(_is_valid_cost, costs)):
        raise ValueError(
            f"The 'feature_costs' parameter of {type(estimator).__name__} must be a "
            f"list of finite numbers, none negative or above {LARGEST_FACTOR:g}, or "
            f"'auto', at least one. Got {estimator.feature_costs!r} instead. For a "
            "price per column, give 'feature_cost'."
        )
    return costs


def _is_valid_cost(cost: Any) -> bool:
    if isinstance(cost, str):
        return cost == "auto"
    is_number = isinstance(cost, Real) and not isinstance(cost, (bool, np.bool_))
    return is_number and 0 <= cost <= LARGEST_FACTOR


def choose_point(
    model: Any, path: ARDPath, results: dict[str, np.ndarray]
) -> tuple[int, int | None]:
    """A point of a path, by the parameters of a CV estimator.

    Parameters
    ----------
    model : ARDRegressorCV or ARDClassifierCV
        Whose parameters say what is wanted.
    path : ARDPath
        Of all rows.
    results : dict of ndarray
        As `cv_results_`.

    Returns
    -------
    index : int
        Position in the path.
    n_features : int or None
        Number of columns to reduce its model to.
    """
    mean = results["mean_test_score"]
    if model.n_features_to_select is not None:
        return _choose_by_features(path, mean, model.n_features_to_select)
    if model.target_sparsity is not None:
        return _choose_by_sparsity(path, mean, model.target_sparsity), None
    enough = _finite(mean).max()
    if model.selection == "one_standard_error":
        best = _best(mean, np.isfinite(mean))
        n = sum(name.startswith("split") for name in results) // 2  # folds
        std = results["std_test_score"][best] * np.sqrt(n / max(n - 1, 1))
        enough -= std / np.sqrt(n)
    return _last(_finite(mean) >= enough - _TIE * abs(enough)), None


def _choose_by_features(
    path: ARDPath, mean: np.ndarray, target: int
) -> tuple[int, int | None]:
    n_features = path.n_features
    if (n_features == target).any():
        return _best(mean, n_features == target), None
    if (n_features > target).any():
        fewest = n_features[n_features > target].min()
        return _best(mean, n_features == fewest), target
    most = n_features.max()
    index = _best(mean, n_features == most)
    _warn_nearest(
        path, "n_features_to_select", target, f"{most} columns", index, "smaller"
    )
    return index, None


def _choose_by_sparsity(path: ARDPath, mean: np.ndarray, target: float) -> int:
    sparsity = np.where(path.n_features > 0, path.sparsity, -np.inf)
    if (sparsity >= target).any():
        return _best(mean, sparsity >= target)
    index = int(sparsity.argmax())
    nearest = f"a sparsity of {path.sparsity[index]:.4f}"
    _warn_nearest(path, "target_sparsity", target, nearest, index, "larger")
    return index


def _warn_nearest(
    path: ARDPath, name: str, target: float, nearest: str, index: int, direction: str
) -> None:
    warnings.warn(
        f"No point of the path reaches {name}={target}. Took the nearest, "
        f"{nearest} at reg_factor={path.reg_factors[index]:g}. Add "
        f"{direction} values to 'reg_factors' for others.",
        UserWarning,
        stacklevel=6,
    )


def _finite(scores: np.ndarray) -> np.ndarray:
    """Scores with -inf in place of values that are not finite."""
    return np.where(np.isfinite(scores), scores, -np.inf)


def _best(mean: np.ndarray, allowed: np.ndarray) -> int:
    """Index of the best of some points; ties go to the largest reg_factor.

    Points without a finite score are chosen last.
    """
    scores = _finite(mean)
    best = scores[allowed].max()
    slack = _TIE * abs(best) if np.isfinite(best) else 0.0
    return _last(allowed & (scores >= best - slack))


def _last(flags: np.ndarray) -> int:
    return int(np.flatnonzero(flags)[-1])
