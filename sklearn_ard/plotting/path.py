"""Displays over `reg_factor`: the path of all columns, and the scores of the folds.

Input: an ARDPath, or the results of a CV estimator. Output: panels over one x axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard.plotting.style import (
    AT_LEAST_0,
    CHOSEN,
    DROPPED,
    KEPT,
    check_drawable,
    check_given,
    draw_lines,
    draw_n_features,
    largest,
    make_panels,
    set_log_axis,
)
from sklearn_ard.selection.points import ARDPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class RegularizationPathDisplay:
    """Relevance of each column (group) over `reg_factor`, with score and their number.

    Parameters
    ----------
    path : ARDPath
        From :func:`ard_path`.

    Attributes
    ----------
    ax_ : Axes
        Of the relevance.
    score_ax_, n_features_ax_ : Axes
        Of the train score and of the number of columns.
    figure_ : Figure
        Figure with the axes.
    """

    def __init__(self, path: ARDPath):
        self.path = path

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: MatrixLike = None,
        y: Any = None,
        *,
        max_names: int = 10,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the path of a CV estimator, or compute a path and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted ARDRegressorCV or ARDClassifierCV, or an ARDRegressor or
            ARDClassifier with `X` and `y`.
        X, y : array-like, default=None
            Training data for :func:`ard_path`; None for the path of the CV estimator.
        max_names : int, default=10
            Largest number of columns with a name.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        RegularizationPathDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is no path and no data to compute one, or if there are data and the
            estimator is not one for :func:`ard_path`.
        """
        if X is not None:
            from sklearn_ard.selection.path import ard_path  # which needs torch

            path = ard_path(X, y, estimator=estimator)
        elif hasattr(estimator, "path_"):
            path = estimator.path_
        else:
            raise ValueError(
                f"The 'estimator' parameter of {cls.__name__}.from_estimator must be a "
                "fitted ARDRegressorCV or ARDClassifierCV where X and y are not given. "
                f"Got a {type(estimator).__name__} without a path."
            )
        return cls(path).plot(max_names=max_names, ax=ax)

    @validate_params({"max_names": AT_LEAST_0}, prefer_skip_nested_validation=True)
    def plot(self, *, max_names: int = 10, ax: Axes | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        max_names : int, default=10
            Largest number of columns with a name and a colour, those that last longest.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        RegularizationPathDisplay
            Itself.
        """
        check_given(self, "path", ARDPath, "ard_path")
        path, x = self.path, self.path.reg_factors
        support, relevance, names = path.support, path.relevance, path.feature_names
        if path.groups is not None:
            support = path.groups.total(support) > 0
            relevance, names = path.groups.total(relevance), path.groups.names
        self.ax_, self.score_ax_ = make_panels(self, ax, (3.6, 1.4))
        self.n_features_ax_ = self.score_ax_.twinx()
        # those that last longest, the most relevant ones first among equals
        last = support.cumsum(axis=0).argmax(axis=0)
        last = np.where(support.any(axis=0), last + 1, 0)
        top = relevance.max(axis=0)
        named = largest(last + top / (1 + top.max()), max_names)
        draw_lines(self.ax_, x, relevance, named, names)
        self.ax_.set_yscale("symlog", linthresh=1.0)
        self.ax_.set_ylabel("relevance [nats]")
        self.score_ax_.plot(x, path.train_score, color=KEPT, marker=".")
        self.score_ax_.set_ylabel("train score", color=KEPT)
        draw_n_features(self.n_features_ax_, x, path.n_features)
        set_log_axis(self.score_ax_, x)
        self.figure_ = self.ax_.figure
        return self


class CVPathDisplay:
    """Cross-validated score over `reg_factor`, with the point that was chosen.

    Parameters
    ----------
    cv_results : dict
        `cv_results_` of an ARDRegressorCV or ARDClassifierCV.
    reg_factor : float
        The chosen point.
    scoring : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_, n_features_ax_ : Axes
        Of the score and of the number of columns.
    figure_ : Figure
        Figure with the axes.
    """

    def __init__(
        self,
        cv_results: dict[str, np.ndarray],
        reg_factor: float,
        scoring: Any = "score",
    ):
        self.cv_results = cv_results
        self.reg_factor = reg_factor
        self.scoring = scoring

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, ax: Axes | None = None
    ) -> Self:
        """Draw the cross-validation of a fitted CV estimator.

        Parameters
        ----------
        estimator : ARDRegressorCV or ARDClassifierCV
            Fitted.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        CVPathDisplay
            Drawn.
        """
        check_drawable(estimator, cls, "cv_results_", "reg_factor_")
        scoring = estimator.scoring or estimator._default_scoring
        scoring = scoring if isinstance(scoring, str) else "score"
        display = cls(estimator.cv_results_, estimator.reg_factor_, scoring)
        return display.plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        CVPathDisplay
            Itself.
        """
        results = self.cv_results
        x, mean = results["reg_factor"], results["mean_test_score"]
        std = results["std_test_score"]
        self.ax_, self.n_features_ax_ = make_panels(self, ax, (3.2, 1.4))
        folds = [
            v for k, v in results.items() if k[:5] == "split" and k[-5:] == "score"
        ]
        self.ax_.plot(x, np.transpose(folds), color=DROPPED, linewidth=0.8)
        self.ax_.fill_between(x, mean - std, mean + std, color=KEPT, alpha=0.2, lw=0)
        self.ax_.plot(x, mean, color=KEPT, marker="o", label="mean of the folds, ± std")
        chosen = np.isclose(x, self.reg_factor)
        self.ax_.plot(
            x[chosen],
            mean[chosen],
            linestyle="none",
            marker="*",
            markersize=16,
            color=CHOSEN,
            label=f"chosen: {self.reg_factor:g}",
        )
        self.ax_.set_ylabel(self.scoring)
        self.ax_.legend(frameon=False)
        draw_n_features(self.n_features_ax_, x, results["mean_n_features"])
        self.n_features_ax_.axvline(self.reg_factor, color=CHOSEN, linestyle=":")
        self.ax_.axvline(self.reg_factor, color=CHOSEN, linestyle=":")
        set_log_axis(self.n_features_ax_, x)
        self.figure_ = self.ax_.figure
        return self
