"""StabilityDisplay: how often each column is selected.

Input: a fitted StabilitySelection, or its probabilities. Output: one line per column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import validate_params

from sklearn_ard.plotting.style import (
    AT_LEAST_0,
    check_drawable,
    draw_lines,
    largest,
    make_axes,
    set_log_axis,
)
from sklearn_ard.selection.points import names_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class StabilityDisplay:
    """Selection probability of each column over the regularisation parameter.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Of the parameter.
    probabilities : ndarray of shape (n_values, n_features)
        Selection probabilities, 0 to 1.
    support : bool ndarray of shape (n_features,)
        True for kept columns.
    threshold : float
        Of the largest probability of a kept column.
    feature_names : array-like of shape (n_features,)
        Names of the columns.
    param : str, default="reg_factor"
        Name of the parameter.

    Attributes
    ----------
    ax_ : Axes
        With one line per column.
    figure_ : Figure
        Figure with the axes.
    """

    def __init__(
        self,
        values: np.ndarray,
        probabilities: np.ndarray,
        support: np.ndarray,
        threshold: float,
        feature_names: np.ndarray,
        param: str = "reg_factor",
    ):
        self.values = values
        self.probabilities = probabilities
        self.support = support
        self.threshold = threshold
        self.feature_names = feature_names
        self.param = param

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, max_names: int = 15, ax: Axes | None = None
    ) -> Self:
        """Draw a fitted StabilitySelection.

        Parameters
        ----------
        estimator : StabilitySelection
            Fitted.
        max_names : int, default=15
            Largest number of columns with a name.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        StabilityDisplay
            Drawn.
        """
        check_drawable(estimator, cls, "probabilities_", "threshold_")
        return cls(
            estimator.values_,
            estimator.probabilities_,
            estimator.get_support(),
            estimator.threshold_,
            names_of(estimator),
            estimator.param,
        ).plot(max_names=max_names, ax=ax)

    @validate_params({"max_names": AT_LEAST_0}, prefer_skip_nested_validation=True)
    def plot(self, *, max_names: int = 15, ax: Axes | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        max_names : int, default=15
            Largest number of columns with a name and a colour, those that are picked
            most often.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        StabilityDisplay
            Itself.
        """
        ax = make_axes(self, ax, (6.4, 4.4))
        support, highest = np.asarray(self.support), self.probabilities.max(axis=0)
        named = largest(np.where(support, highest, 0), max_names)
        draw_lines(ax, self.values, self.probabilities, named, self.feature_names)
        ax.axhline(self.threshold, color="black", linestyle="--", linewidth=1)
        ax.set_ylim(-0.03, 1.05)
        ax.set_ylabel("selection probability")
        ax.set_title(f"{support.sum():,} of {len(support):,} columns kept")
        set_log_axis(ax, self.values, self.param)
        self.ax_, self.figure_ = ax, ax.figure
        return self
