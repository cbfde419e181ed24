"""Choice of a point of a path by its scores, or by its number of columns or weights.

Input: a path with the scores of all folds. Output: the index of a point.
"""

import warnings

import numpy as np

_TIE = 1e-9  # relative; smaller differences between scores are rounding


def choose_point(model):
    """Index of the point of a path, by the parameters of a CV estimator.

    Parameters
    ----------
    model : ARDRegressorCV or ARDClassifierCV
        With `path_`, `cv_results_` and `n_splits_`.

    Returns
    -------
    index : int
        Position in the path.
    n_features : int or None
        Number of columns to reduce its model to.
    """
    mean = model.cv_results_["mean_test_score"]
    if model.n_features_to_select is not None:
        return _choose_by_features(model, mean, model.n_features_to_select)
    if model.target_sparsity is not None:
        return _choose_by_sparsity(model, mean, model.target_sparsity), None
    enough = _finite(mean).max()
    if model.selection == "one_standard_error":
        best = _best(mean, np.isfinite(mean))
        n = model.n_splits_
        std = model.cv_results_["std_test_score"][best] * np.sqrt(n / max(n - 1, 1))
        enough -= std / np.sqrt(n)
    return _last(_finite(mean) >= enough - _TIE * abs(enough)), None


def _choose_by_features(model, mean, target):
    n_features = model.path_.n_features
    if (n_features == target).any():
        return _best(mean, n_features == target), None
    if (n_features > target).any():
        fewest = n_features[n_features > target].min()
        return _best(mean, n_features == fewest), target
    most = n_features.max()
    index = _best(mean, n_features == most)
    _warn_nearest(
        model, "n_features_to_select", target, f"{most} columns", index, "smaller"
    )
    return index, None


def _choose_by_sparsity(model, mean, target):
    sparsity = np.where(model.path_.n_features > 0, model.path_.sparsity, -np.inf)
    if (sparsity >= target).any():
        return _best(mean, sparsity >= target)
    index = int(sparsity.argmax())
    nearest = f"a sparsity of {model.path_.sparsity[index]:.4f}"
    _warn_nearest(model, "target_sparsity", target, nearest, index, "larger")
    return index


def _warn_nearest(model, name, target, nearest, index, direction):
    warnings.warn(
        f"No point of the path reaches {name}={target}. Took the nearest, "
        f"{nearest} at reg_factor={model.path_.reg_factors[index]:g}. Add "
        f"{direction} values to 'reg_factors' for others.",
        UserWarning,
        stacklevel=6,
    )


def _finite(scores):
    """Scores with -inf in place of values that are not finite."""
    return np.where(np.isfinite(scores), scores, -np.inf)


def _best(mean, allowed):
    """Index of the best of some points; ties go to the largest reg_factor.

    Points without a finite score are chosen last.
    """
    scores = _finite(mean)
    best = scores[allowed].max()
    slack = _TIE * abs(best) if np.isfinite(best) else 0.0
    return _last(allowed & (scores >= best - slack))


def _last(flags):
    return int(np.flatnonzero(flags)[-1])
