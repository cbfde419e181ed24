"""Pictures over reg_factor: scikit-learn Displays of paths, folds and stability."""

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_ard.plotting.model import CHOSEN, DROPPED, KEPT, Display
from sklearn_ard.selection.path import ard_path, names_of

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", ":")
_MAX_TICKS = 10  # points of a path that are named one by one


class _Panels:
    """A display on axes under each other."""

    def _panels(self, ax, heights, width=6.4):
        """Axes under each other, in a new figure or in the place of `ax`."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt
        from matplotlib.gridspec import GridSpecFromSubplotSpec

        if ax is None:
            figure = plt.figure(figsize=(width, sum(heights)), layout="constrained")
            grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        else:
            figure = ax.figure
            ax.set_axis_off()
            grid = GridSpecFromSubplotSpec(
                len(heights), 1, ax.get_subplotspec(), height_ratios=heights
            )
        panels = [figure.add_subplot(grid[0])]
        panels += [
            figure.add_subplot(cell, sharex=panels[0]) for cell in list(grid)[1:]
        ]
        for panel in panels[:-1]:
            panel.tick_params(labelbottom=False)
        self.figure_ = figure
        return panels


class RegularizationPathDisplay(_Panels):
    """Relevance of each column over `reg_factor`, with score and number of columns.

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
        That they are in.
    """

    def __init__(self, path):
        self.path = path

    @classmethod
    def from_estimator(cls, estimator, X=None, y=None, *, max_names=10, ax=None):
        """Draw the path of a CV estimator, or find one and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted ARDRegressorCV or ARDClassifierCV, or any of ours with `X` and `y`.
        X, y : array-like, default=None
            Training data, for :func:`ard_path`; None for the path of the CV estimator.
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
            If there is no path and no data to find one.
        """
        if X is not None:
            path = ard_path(X, y, estimator=estimator)
        elif hasattr(estimator, "path_"):
            path = estimator.path_
        else:
            raise ValueError(
                f"{cls.__name__}.from_estimator needs X and y for a "
                f"{type(estimator).__name__}, or a fitted ARDRegressorCV or "
                "ARDClassifierCV. Got neither."
            )
        return cls(path).plot(max_names=max_names, ax=ax)

    def plot(self, *, max_names=10, ax=None):
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
        path = self.path
        self.ax_, self.score_ax_ = self._panels(ax, (3.6, 1.4))
        self.n_features_ax_ = self.score_ax_.twinx()
        # those that last longest, the most relevant ones first among equals
        last = path.support.cumsum(axis=0).argmax(axis=0)
        last = np.where(path.support.any(axis=0), last + 1, 0)
        top = path.relevance.max(axis=0)
        named = _most(last + top / (1 + top.max()), max_names)
        _lines(self.ax_, path.reg_factors, path.relevance, named, path.feature_names)
        self.ax_.set_yscale("symlog", linthresh=1.0)
        self.ax_.set_ylabel("relevance [nats]")
        self.score_ax_.plot(path.reg_factors, path.train_score, color=KEPT, marker=".")
        self.score_ax_.set_ylabel("train score", color=KEPT)
        _count_columns(self.n_features_ax_, path.reg_factors, path.n_features)
        _log_axis(self.score_ax_, path.reg_factors)
        return self


class CVPathDisplay(_Panels):
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
        That they are in.
    """

    def __init__(self, cv_results, reg_factor, scoring="score"):
        self.cv_results = cv_results
        self.reg_factor = reg_factor
        self.scoring = scoring

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
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
        check_is_fitted(estimator, "cv_results_")
        scoring = estimator.scoring or estimator._default_scoring
        scoring = scoring if isinstance(scoring, str) else "score"
        display = cls(estimator.cv_results_, estimator.reg_factor_, scoring)
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
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
        found = self.cv_results
        x, mean = found["reg_factor"], found["mean_test_score"]
        std = found["std_test_score"]
        self.ax_, self.n_features_ax_ = self._panels(ax, (3.2, 1.4))
        folds = [v for k, v in found.items() if k[:5] == "split" and k[-5:] == "score"]
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
        _count_columns(self.n_features_ax_, x, found["mean_n_features"])
        self.n_features_ax_.axvline(self.reg_factor, color=CHOSEN, linestyle=":")
        self.ax_.axvline(self.reg_factor, color=CHOSEN, linestyle=":")
        _log_axis(self.n_features_ax_, x)
        return self


class StabilityDisplay(Display):
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
        That it is in.
    """

    def __init__(
        self,
        values,
        probabilities,
        support,
        threshold,
        feature_names,
        param="reg_factor",
    ):
        self.values = values
        self.probabilities = probabilities
        self.support = support
        self.threshold = threshold
        self.feature_names = feature_names
        self.param = param

    @classmethod
    def from_estimator(cls, estimator, *, max_names=15, ax=None):
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
        check_is_fitted(estimator)
        return cls(
            estimator.values_,
            estimator.probabilities_,
            estimator.get_support(),
            estimator.threshold_,
            names_of(estimator),
            estimator.param,
        ).plot(max_names=max_names, ax=ax)

    def plot(self, *, max_names=15, ax=None):
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
        ax = self._axes(ax, (6.4, 4.4))
        support, highest = np.asarray(self.support), self.probabilities.max(axis=0)
        named = _most(np.where(support, highest, 0), max_names)
        _lines(ax, self.values, self.probabilities, named, self.feature_names)
        ax.axhline(self.threshold, color="black", linestyle="--", linewidth=1)
        ax.set_ylim(-0.03, 1.05)
        ax.set_ylabel("selection probability")
        ax.set_title(f"{support.sum():,} of {len(support):,} columns kept")
        _log_axis(ax, self.values, self.param)
        return self


def _lines(ax, x, values, named, names):
    """One line per column: the named ones in colours, the others thin and grey."""
    others = np.setdiff1d(np.flatnonzero(values.any(axis=0)), named)
    marker = "." if len(x) > 1 else "o"
    if len(others):
        ax.plot(x, values[:, others], color=DROPPED, linewidth=0.7, marker=marker, ms=2)
    for k, j in enumerate(named):
        ax.plot(
            x,
            values[:, j],
            color=_COLORS[k % len(_COLORS)],
            linestyle=_STYLES[k // len(_COLORS) % len(_STYLES)],
            marker=marker,
            label=names[j],
        )
    if len(others):
        ax.plot([], [], color=DROPPED, label=f"{len(others):,} others")
    if len(named) or len(others):
        ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def _count_columns(ax, x, n_features):
    """Number of columns as steps, on their own axis."""
    ax.plot(x, n_features, color="#606060", drawstyle="steps-mid", marker=".")
    ax.set_ylabel("columns", color="#606060")
    ax.set_ylim(bottom=-0.05 * max(1, np.max(n_features)))


def _log_axis(ax, x, name="reg_factor"):
    """The axis of the regularisation parameter; 0 has a place on it."""
    x = np.asarray(x)
    if (x > 0).all():
        ax.set_xscale("log")
    else:
        positive = x[x > 0]
        ax.set_xscale("symlog", linthresh=positive.min() if len(positive) else 1.0)
    if len(x) <= _MAX_TICKS:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.set_xticks([], minor=True)
    ax.set_xlabel(name)


def _most(values, n):
    """Indices of the largest values that are not 0, descending."""
    order = np.argsort(-values, kind="stable")[:n]
    return order[values[order] > 0]
