"""ShapleyDisplay: what each column adds to predictions, of all rows or of one.

Input: a fitted model and rows, or :class:`~sklearn_ard.inspection.ShapleyValues`.
Output: a beeswarm, or a waterfall.
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection import ShapleyValues, shapley_values
from sklearn_ard.plotting.style import (
    AT_LEAST_0,
    CHOSEN,
    DIVERGING,
    DROPPED,
    KEPT,
    bars_size,
    check_given,
    colormap,
    count,
    label_of,
    make_axes,
    output_index,
    plain,
    set_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOW_TO_HIGH = (DIVERGING[0], "#B9A9B9", DIVERGING[2])  # seen on white
_N_BINS = 60  # of a line of a beeswarm
_MOST_POINTS = 2_000  # in a line


class ShapleyDisplay:
    """Shapley values of all rows as a beeswarm, or of one row as a waterfall.

    Parameters
    ----------
    values : ShapleyValues
        From :func:`sklearn_ard.inspection.shapley_values`.

    Attributes
    ----------
    ax_ : Axes
        With a line per column in use, the most important on top.
    figure_ : Figure
        Figure with the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor, ShapleyDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> model = ARDRegressor((), max_iter=100, random_state=0).fit(X, X[:, 1])
    >>> display = ShapleyDisplay.from_estimator(model, X)
    >>> [tick.get_text() for tick in display.ax_.get_yticklabels()]
    ['x1', '3 columns dropped']
    """

    def __init__(self, values: ShapleyValues):
        self.values = values

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        X: MatrixLike,
        background: MatrixLike | None = None,
        *,
        kind: str = "beeswarm",
        row: int = 0,
        target: Any = None,
        max_features: int = 20,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compute the values of some rows, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted, of this package, or what its `compact` returns.
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to explain.
        background : {DataFrame, array-like, sparse matrix}, default=None
            Rows to average over, as in :func:`sklearn_ard.inspection.shapley_values`.
        kind, row, target, max_features, ax
            As in :meth:`plot`.
        **options : dict
            For :func:`sklearn_ard.inspection.shapley_values`.

        Returns
        -------
        ShapleyDisplay
            Drawn.
        """
        display = cls(shapley_values(estimator, X, background, **options))
        return display.plot(
            kind=kind, row=row, target=target, max_features=max_features, ax=ax
        )

    @validate_params(
        {
            "kind": [StrOptions({"beeswarm", "waterfall"})],
            "row": [Interval(Integral, 0, None, closed="left")],
            "max_features": AT_LEAST_0,
        },
        prefer_skip_nested_validation=True,
    )
    def plot(
        self,
        *,
        kind: str = "beeswarm",
        row: int = 0,
        target: Any = None,
        max_features: int = 20,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        kind : {"beeswarm", "waterfall"}, default="beeswarm"
            All rows, as points whose colour is the value of the column; or one row, as
            steps from the mean prediction to its own.
        row : int, default=0
            Number of the row of a waterfall.
        target : object, default=None
            Which of several classes or targets, by its name.
        max_features : int, default=20
            Largest number of columns with a line of their own.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        ShapleyDisplay
            Itself.
        """
        check_given(self, "values", ShapleyValues, "shapley_values")
        found = self.values
        output = output_index(self, found.output_names, target)
        values = found.of_players
        base: Any = found.base_value
        if output is not None:
            values, base = values[..., output], base[output]
        if kind == "waterfall":
            if row >= len(values):
                raise ValueError(
                    f"The 'row' parameter of {type(self).__name__}.plot must be the "
                    f"number of one of {len(values)} rows. Got {row} instead."
                )
            values = values[row : row + 1]
        order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")
        shown, others = order[:max_features], order[max_features:]
        names = [str(found.data.columns[j]) for j in shown]
        if kind == "waterfall":
            cells = [found.data.iloc[row, j] for j in shown]
            names = [
                name if _is_group(found, j) else f"{name} = {label_of(cell)}"
                for name, j, cell in zip(names, shown, cells, strict=True)
            ]
        n_shown, n_dropped = len(names), len(found.names) - len(found.players)
        if len(others):
            names.append(count(len(others), "further column", "in use"))
        n_lines = len(names)
        if n_dropped:
            names.append(count(n_dropped, "column", "dropped"))
        ax = make_axes(self, ax, bars_size(names, 7.0))
        unit = found.unit
        if output is not None and found.output_names is not None:
            unit = f"{unit}, {found.output_names[output]}"
        if kind == "waterfall":
            parts = [*values[0, shown], values[0, others].sum()][:n_lines]
            _draw_waterfall(ax, parts, base)
            ax.set_xlabel(plain(f"prediction [{unit}]"))
            prediction = base + values.sum()
            ax.set_title(f"mean {base:.4g}, this row {prediction:.4g}")
        else:
            _draw_swarms(ax, values[:, shown], found.numbers()[:, shown], found, shown)
            ax.set_xlabel(plain(f"Shapley value [{unit}]"))
        set_names(ax, names, np.arange(len(names)) < n_shown)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _is_group(found: ShapleyValues, j: int) -> bool:
    """Whether a player has several columns, and so no value of its own."""
    part = found.data.iloc[:, j]
    return bool(part.isna().all())


def _draw_swarms(
    ax: Axes,
    values: np.ndarray,
    numbers: np.ndarray,
    found: ShapleyValues,
    shown: np.ndarray,
) -> None:
    """A line of points per column, coloured from its low to its high values."""
    ax.axvline(0, color=DROPPED, linewidth=0.8)
    span = np.ptp(values) if values.size else 1.0
    every = -(-len(values) // _MOST_POINTS)
    for line, j in enumerate(shown):
        x, number = values[::every, line], numbers[::every, line]
        is_number = pd.api.types.is_numeric_dtype(found.data.iloc[:, j])
        is_known = is_number & ~np.isnan(number)
        y = line + _heights(x, span)
        marks: dict[str, Any] = {"s": 9, "linewidths": 0, "zorder": 2}
        ax.scatter(x[~is_known], y[~is_known], color=DROPPED, **marks)
        rank = rankdata(number[is_known])
        colors = (rank - 1) / max(1, len(rank) - 1)
        cmap: dict[str, Any] = {"cmap": colormap(_LOW_TO_HIGH), "vmin": 0, "vmax": 1}
        points = ax.scatter(x[is_known], y[is_known], c=colors, **cmap, **marks)
    if len(shown):
        bar = ax.figure.colorbar(points, ax=ax, ticks=[0, 1], aspect=30, pad=0.02)
        bar.set_ticklabels(["low value", "high value"])
        bar.outline.set_visible(False)


def _heights(x: np.ndarray, span: float) -> np.ndarray:
    """Distances from the line, so that points do not hide each other."""
    bins = np.floor(_N_BINS * (x - x.min()) / (span or 1.0)).astype(int)
    heights = np.zeros(len(x))
    for each in np.unique(bins):
        rows = np.flatnonzero(bins == each)
        place = np.arange(len(rows))
        side = np.where(place % 2, -1, 1) * ((place + 1) // 2)
        heights[rows] = side
    return 0.38 * heights / max(8, np.abs(heights).max(initial=1))


def _draw_waterfall(ax: Axes, parts: list[float], base: float) -> None:
    """Steps from the mean prediction, at the bottom, to that of the row."""
    ends = base + np.cumsum(parts[::-1])[::-1]
    starts = ends - parts
    line = np.arange(len(parts))
    colors = [CHOSEN if part >= 0 else KEPT for part in parts]
    ax.barh(line, parts, left=starts, color=colors, height=0.7)
    for k in line[1:]:
        ax.plot([ends[k]] * 2, [k - 1 + 0.35, k - 0.35], color=DROPPED, linewidth=0.8)
    span = np.ptp([base, *starts, *ends]) or 1.0
    for k, part in enumerate(parts):
        right = max(starts[k], ends[k]) + 0.01 * span
        ax.text(right, k, f"{part:+.3g}", va="center", fontsize=8)
    ax.axvline(base, color=DROPPED, linewidth=0.8, linestyle="--", zorder=0)
    ax.use_sticky_edges = False
    ax.margins(x=0.1)
