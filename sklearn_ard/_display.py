"""Pictures of what a model keeps, and of what it would keep: scikit-learn Displays.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; what is
dropped is grey. Where there are too many columns for names, the most relevant ones have
them and the number of the others is told.
"""

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_ard._path import ard_path
from sklearn_ard.nn import ard_layers

KEPT, CHOSEN, DROPPED = "#0072B2", "#D55E00", "#B0B0B0"
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", ":")
_MAX_TICKS = 10  # points of a path that are named one by one
_MAX_PIXELS = 400  # per side of a picture of weights


class _Display:
    """What all displays share."""

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

    def _one(self, ax, figsize):
        """The axes to draw on."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


class RelevanceDisplay(_Display):
    """How much each column matters, kept and dropped.

    Parameters
    ----------
    relevance : ndarray of shape (n_features,)
        In nats.
    support : bool ndarray of shape (n_features,)
        True for kept columns.
    feature_names : array-like of shape (n_features,)
        Names of the columns.

    Attributes
    ----------
    ax_ : Axes
        With one bar per named column.
    figure_ : Figure
        That it is in.

    Examples
    --------
    >>> from sklearn_ard import RelevanceDisplay
    >>> display = RelevanceDisplay([3.0, 0.0], [True, False], ["age", "noise"])
    >>> display.plot().ax_.get_xlabel()
    'relevance [nats]'
    """

    def __init__(self, relevance, support, feature_names):
        self.relevance = relevance
        self.support = support
        self.feature_names = feature_names

    @classmethod
    def from_estimator(cls, estimator, *, max_features=30, ax=None):
        """Draw the columns of a fitted model.

        Parameters
        ----------
        estimator : ARDRegressor, ARDClassifier or one of the CV classes
            Fitted.
        max_features : int, default=30
            Largest number of columns with a bar.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        RelevanceDisplay
            Drawn.
        """
        check_is_fitted(estimator)
        names = _names_of(estimator)
        display = cls(estimator.feature_importances_, estimator.get_support(), names)
        return display.plot(max_features=max_features, ax=ax)

    def plot(self, *, max_features=30, ax=None):
        """Draw the display.

        Parameters
        ----------
        max_features : int, default=30
            Largest number of columns with a bar, the most relevant ones.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        RelevanceDisplay
            Itself.
        """
        relevance, support = np.asarray(self.relevance), np.asarray(self.support)
        order = np.lexsort((-relevance, ~support))
        shown = order[:max_features]
        ax = self._one(ax, (6.4, 0.9 + 0.22 * len(shown)))
        colors = np.where(support[shown], KEPT, DROPPED)
        ax.barh(np.arange(len(shown)), relevance[shown], color=colors, height=0.7)
        ax.set_yticks(np.arange(len(shown)), np.asarray(self.feature_names)[shown])
        for tick, kept in zip(ax.get_yticklabels(), support[shown], strict=True):
            tick.set_color("black" if kept else "#707070")
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.set_xlabel("relevance [nats]")
        title = f"{support.sum():,} of {len(support):,} columns kept"
        if len(shown) < len(order):
            title += f", {len(shown)} shown"
        ax.set_title(title)
        ax.spines[["top", "right"]].set_visible(False)
        return self


class RegularizationPathDisplay(_Display):
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
            Largest number of columns with a name and a colour, the most relevant ones.
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
        named = _most(path.relevance.max(axis=0), max_names)
        _lines(self.ax_, path.reg_factors, path.relevance, named, path.feature_names)
        self.ax_.set_yscale("symlog", linthresh=1.0)
        self.ax_.set_ylabel("relevance [nats]")
        self.score_ax_.plot(path.reg_factors, path.train_score, color=KEPT, marker=".")
        self.score_ax_.set_ylabel("train score", color=KEPT)
        _count_columns(self.n_features_ax_, path.reg_factors, path.n_features)
        _log_axis(self.score_ax_, path.reg_factors)
        return self


class CVPathDisplay(_Display):
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


class SparsityDisplay(_Display):
    """What is left of each layer: log α with its threshold, and the kept weights.

    Parameters
    ----------
    log_alphas : list of ndarray
        Log α of every weight, one array of shape (n_out, n_in) per layer.
    masks : list of bool ndarray
        True for kept weights, of the same shapes.
    names : list of str
        Names of the layers.
    threshold : float
        Largest log α of a kept weight.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (2, n_layers)
        Histograms above, pictures of the kept weights below.
    figure_ : Figure
        That they are in.
    """

    def __init__(self, log_alphas, masks, names, threshold):
        self.log_alphas = log_alphas
        self.masks = masks
        self.names = names
        self.threshold = threshold

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the layers of a fitted model, as its training ended.

        Parameters
        ----------
        estimator : ARDRegressor, ARDClassifier or one of the CV classes
            Fitted.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        SparsityDisplay
            Drawn.
        """
        check_is_fitted(estimator)
        module = estimator.net_.module_
        layers = ard_layers(module)
        names = {layer: name for name, layer in module.named_modules()}
        return cls(
            [_matrix(layer.log_alpha) for layer in layers],
            [_matrix(layer.keep()) for layer in layers],
            [f"{names[layer]}: {type(layer).__name__}" for layer in layers],
            max(layer.prior.threshold for layer in layers),
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        SparsityDisplay
            Itself.
        """
        check_matplotlib_support("SparsityDisplay.plot")
        import matplotlib.pyplot as plt
        from matplotlib.colors import ListedColormap

        n_layers = len(self.names)
        if ax is None:
            size = (max(3.2 * n_layers, 4), 5)
            figure = plt.figure(figsize=size, layout="constrained")
            axes = figure.subplots(2, n_layers, squeeze=False)
        else:
            figure = ax.figure
            ax.set_axis_off()
            grid = ax.get_subplotspec().subgridspec(2, n_layers, hspace=0.4, wspace=0.4)
            axes = grid.subplots(squeeze=False)
        colors = ListedColormap(["#EDEDED", KEPT])
        parts = zip(axes.T, self.log_alphas, self.masks, self.names, strict=True)
        for (above, below), log_alpha, mask, name in parts:
            values = log_alpha.ravel().clip(-15, 15)
            kept = mask.ravel()
            bins = np.linspace(values.min(), max(values.max(), values.min() + 1), 41)
            above.hist(
                [values[kept], values[~kept]],
                bins=bins,
                stacked=True,
                color=[KEPT, DROPPED],
                label=["kept", "pruned"],
            )
            above.axvline(self.threshold, color=CHOSEN, linestyle="--")
            above.set_yscale("symlog", linthresh=1)
            above.set_title(f"{name}\n{kept.sum():,} of {kept.size:,} kept", fontsize=9)
            above.set_xlabel("log α")
            below.imshow(
                _shrink(mask),
                aspect="auto",
                cmap=colors,
                vmin=0,
                vmax=1,
                interpolation="nearest",
                extent=(0, mask.shape[1], mask.shape[0], 0),
            )
            below.set_xlabel("inputs")
            below.yaxis.get_major_locator().set_params(integer=True)
        axes[0, 0].set_ylabel("weights")
        axes[0, 0].legend(frameon=False, fontsize=8)
        axes[1, 0].set_ylabel("units")
        self.axes_, self.figure_ = axes, figure
        return self


class StabilityDisplay(_Display):
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
            _names_of(estimator),
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
        ax = self._one(ax, (6.4, 4.4))
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


def _names_of(estimator):
    default = np.array([f"x{j}" for j in range(estimator.n_features_in_)], dtype=object)
    return getattr(estimator, "feature_names_in_", default)


def _matrix(weights):
    """Something of a layer's weights as an array of shape (n_out, n_in)."""
    array = weights.detach().cpu().numpy()
    return array.reshape(len(array), -1)


def _shrink(mask):
    """A mask as a picture that is not too large; where anything is kept it shows."""
    for axis in (0, 1):
        step = -(-mask.shape[axis] // _MAX_PIXELS)
        if step > 1:
            starts = np.arange(0, mask.shape[axis], step)
            mask = np.logical_or.reduceat(mask, starts, axis=axis)
    return mask
