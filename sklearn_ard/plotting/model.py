"""Displays of one fitted model: the relevance of its columns, and its weights.

Input: a fitted estimator, or the arrays to draw. Output: bars, histograms and images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection import effect
from sklearn_ard.inspection.players import blocks_of
from sklearn_ard.plotting.effects import EffectDisplay
from sklearn_ard.plotting.style import (
    AT_LEAST_0,
    CHOSEN,
    DROPPED,
    KEPT,
    PRUNED,
    bars_size,
    check_drawable,
    count,
    make_axes,
    make_grid,
    set_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_PIXELS = 400  # per side of an image of weights


class RelevanceDisplay:
    """How much each kept column (or group of columns) matters, and what was dropped.

    Parameters
    ----------
    relevance : ndarray of shape (n_features,)
        In nats.
    support : bool ndarray of shape (n_features,)
        True for kept columns.
    feature_names : array-like of shape (n_features,)
        Names of the columns.
    levels : Effect, default=None
        Of a category, from :func:`sklearn_ard.inspection.effect`, to be drawn beside.

    Attributes
    ----------
    ax_ : Axes
        With a bar for each kept column, the most relevant on top, and a line without a
        bar for all that were dropped.
    levels_ax_ : Axes or None
        With the effects of levels.
    figure_ : Figure
        Figure with the axes.

    Examples
    --------
    >>> from sklearn_ard import RelevanceDisplay
    >>> display = RelevanceDisplay([3.0, 0.0], [True, False], ["age", "noise"])
    >>> [tick.get_text() for tick in display.plot().ax_.get_yticklabels()]
    ['age', '1 column dropped']
    """

    def __init__(
        self,
        relevance: np.ndarray,
        support: np.ndarray,
        feature_names: np.ndarray,
        levels: Any = None,
    ):
        self.relevance = relevance
        self.support = support
        self.feature_names = feature_names
        self.levels = levels

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        *,
        max_features: int = 30,
        levels_of: int | str | None = None,
        X: MatrixLike | None = None,
        target: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the columns of a fitted model.

        Parameters
        ----------
        estimator : estimator
            Fitted, of this package, or what its `compact` returns.
        max_features : int, default=30
            Largest number of columns with a bar.
        levels_of : int or str, default=None
            A column, the effects of whose levels are drawn beside.
        X : {DataFrame, array-like}, default=None
            Rows to average over, with `levels_of`.
        target : object, default=None
            Which of several classes or targets the effects are of, by its name.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        RelevanceDisplay
            Drawn.

        Raises
        ------
        ValueError
            If `levels_of` is given without X, or the estimator has no relevance.
        """
        check_drawable(estimator, cls, "feature_importances_", "get_support")
        if levels_of is not None and X is None:
            raise ValueError(
                f"The 'X' parameter of {cls.__name__}.from_estimator must be given "
                "with 'levels_of': effects are averages over rows. Got None instead. "
                "Pass rows of training."
            )
        of_column, names = blocks_of(estimator)
        relevance = np.bincount(of_column, estimator.feature_importances_)
        support = np.bincount(of_column, estimator.get_support()) > 0
        levels = None if levels_of is None else effect(estimator, levels_of, X)
        display = cls(relevance, support, names, levels)
        return display.plot(max_features=max_features, target=target, ax=ax)

    @validate_params({"max_features": AT_LEAST_0}, prefer_skip_nested_validation=True)
    def plot(
        self, *, max_features: int = 30, target: Any = None, ax: Axes | None = None
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        max_features : int, default=30
            Largest number of columns with a bar, the most relevant ones.
        target : object, default=None
            Which of several classes or targets the effects of levels are of, by its
            name.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        RelevanceDisplay
            Itself.
        """
        relevance, support = np.asarray(self.relevance), np.asarray(self.support)
        kept = np.flatnonzero(support)
        kept = kept[np.argsort(-relevance[kept], kind="stable")]
        shown, n_dropped = kept[:max_features], len(support) - len(kept)
        names = [str(self.feature_names[j]) for j in shown]
        if len(shown) < len(kept):
            names.append(count(len(kept) - len(shown), "further column", "kept"))
        if n_dropped:
            names.append(count(n_dropped, "column", "dropped"))
        width, height = bars_size(names)
        self.levels_ax_, n_levels = None, 1
        if self.levels is None:
            ax = make_axes(self, ax, (width, height))
        else:
            n_levels = len(self.levels.grid[0])
            size = 1.7 * width, max(height, 1.1 + 0.24 * n_levels)
            ax, self.levels_ax_ = make_grid(self, ax, (1, 2), size)[0]
            EffectDisplay(self.levels).plot(target=target, ax=self.levels_ax_)
        ax.barh(np.arange(len(shown)), relevance[shown], color=KEPT, height=0.7)
        set_names(ax, names, np.arange(len(names)) < len(shown), n_levels)
        ax.set_xlabel("relevance [nats]")
        ax.set_title(f"{len(kept):,} of {count(len(support), 'column', 'kept')}")
        self.ax_, self.figure_ = ax, ax.figure
        return self


class SparsityDisplay:
    """Log α of each layer with its threshold, and the kept weights.

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
        Figure with the axes.
    """

    def __init__(
        self,
        log_alphas: list[np.ndarray],
        masks: list[np.ndarray],
        names: list[str],
        threshold: float,
    ):
        self.log_alphas = log_alphas
        self.masks = masks
        self.names = names
        self.threshold = threshold

    @classmethod
    def from_estimator(cls, estimator: Predictor, *, ax: Axes | None = None) -> Self:
        """Draw the layers of a fitted model at the end of its training.

        For an ensemble, a layer has the units of all networks, one below the other.

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
        from sklearn_ard.nn import Ensemble, ard_layers  # which need torch

        check_drawable(estimator, cls, "net_")
        module = estimator.net_.module_
        networks = module.networks if type(module) is Ensemble else [module]
        layers = list(zip(*map(ard_layers, networks), strict=True))
        names = {layer: name for name, layer in networks[0].named_modules()}
        return cls(
            [_stack(each.log_alpha for each in layer) for layer in layers],
            [_stack(each.keep() for each in layer) for layer in layers],
            [f"{names[first]}: {type(first).__name__}" for first, *_ in layers],
            max(each.prior.threshold for layer in layers for each in layer),
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
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
        n_layers = len(self.names)
        size = (max(3.2 * n_layers, 4), 5)
        spacing = {} if ax is None else {"hspace": 0.4, "wspace": 0.4}
        axes = make_grid(self, ax, (2, n_layers), size, **spacing)
        parts = zip(axes.T, self.log_alphas, self.masks, self.names, strict=True)
        for (above, below), log_alpha, mask, name in parts:
            _draw_histogram(above, log_alpha.ravel(), mask.ravel(), self.threshold)
            title = f"{name}\n{mask.sum():,} of {mask.size:,} kept"
            above.set_title(title, fontsize=9)
            _draw_mask(below, mask)
        axes[0, 0].set_ylabel("weights")
        axes[0, 0].legend(frameon=False, fontsize=8)
        axes[1, 0].set_ylabel("units")
        self.axes_, self.figure_ = axes, axes[0, 0].figure
        return self


def _stack(weights: Any) -> np.ndarray:
    """One value per weight of some layers, as an array of shape (n_out, n_in)."""
    arrays = [each.detach().cpu().numpy() for each in weights]
    return np.vstack([array.reshape(len(array), -1) for array in arrays])


def _draw_histogram(
    ax: Axes, log_alpha: np.ndarray, kept: np.ndarray, threshold: float
) -> None:
    """The distribution of log α over kept and pruned weights."""
    values = log_alpha.clip(-15, 15)
    ax.hist(
        [values[kept], values[~kept]],
        bins=np.linspace(
            values.min(), max(values.max(), values.min() + 1), 41
        ).tolist(),
        stacked=True,
        color=[KEPT, DROPPED],
        label=["kept", "pruned"],
    )
    ax.axvline(threshold, color=CHOSEN, linestyle="--")
    ax.set_yscale("symlog", linthresh=1)
    ax.set_xlabel("log α")


def _draw_mask(ax: Axes, mask: np.ndarray) -> None:
    """The kept weights as an image."""
    from matplotlib.colors import ListedColormap

    ax.imshow(
        _downsample(mask),
        aspect="auto",
        cmap=ListedColormap([PRUNED, KEPT]),
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(0, mask.shape[1], mask.shape[0], 0),
    )
    ax.set_xlabel("inputs")
    locator: Any = ax.yaxis.get_major_locator()
    locator.set_params(integer=True)


def _downsample(mask: np.ndarray) -> np.ndarray:
    """A mask of at most _MAX_PIXELS per side; a pixel is set if any weight is kept."""
    for axis in (0, 1):
        step = -(-mask.shape[axis] // _MAX_PIXELS)
        if step > 1:
            starts = np.arange(0, mask.shape[axis], step)
            mask = np.logical_or.reduceat(mask, starts, axis=axis)
    return mask
