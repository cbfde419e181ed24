"""Pictures of what a model keeps, and of what it would keep: scikit-learn Displays.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; what is
dropped is grey. Where there are too many columns for names, the most relevant ones have
them and the number of the others is told.
"""

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from sklearn_ard.nn import Ensemble, ard_layers
from sklearn_ard.selection.path import names_of

KEPT, CHOSEN, DROPPED = "#0072B2", "#D55E00", "#B0B0B0"
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_STYLES = ("-", "--", ":")
_MAX_TICKS = 10  # points of a path that are named one by one
_MAX_PIXELS = 400  # per side of a picture of weights


class Display:
    """A display on one pair of axes."""

    def _axes(self, ax, figsize):
        """The axes to draw on."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=figsize, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


class RelevanceDisplay(Display):
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
        names = names_of(estimator)
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
        ax = self._axes(ax, (6.4, 0.9 + 0.22 * len(shown)))
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


class SparsityDisplay:
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

        Of an ensemble a layer has the units of all networks, one below the other.

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
        # of an ensemble a layer of all networks, one below the other
        networks = module.networks if type(module) is Ensemble else [module]
        layers = list(zip(*map(ard_layers, networks), strict=True))
        names = {layer: name for name, layer in networks[0].named_modules()}
        return cls(
            [
                np.vstack([_matrix(each.log_alpha) for each in layer])
                for layer in layers
            ],
            [np.vstack([_matrix(each.keep()) for each in layer]) for layer in layers],
            [f"{names[first]}: {type(first).__name__}" for first, *_ in layers],
            max(each.prior.threshold for layer in layers for each in layer),
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
