"""EffectDisplay: what a column or a pair of columns does on average.

Input: a fitted model and rows, or an :class:`~sklearn_ard.inspection.Effect`. Output: a
curve, bars or a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection import Effect, effect
from sklearn_ard.plotting.style import (
    DIVERGING,
    DROPPED,
    KEPT,
    bars_size,
    check_given,
    colormap,
    label_of,
    make_axes,
    output_index,
    plain,
    set_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TAIL = 0.01  # share of rows at either end that may be left out
_TOO_LONG = 2.0  # times the length of the axis without them
_MOST_MARKS = 500  # rows in a rug or on a map


class EffectDisplay:
    """The effect of a column, as a curve or as bars, or of a pair, as a map.

    Parameters
    ----------
    effect : Effect
        From :func:`sklearn_ard.inspection.effect`.

    Attributes
    ----------
    ax_ : Axes
        With the effect.
    figure_ : Figure
        Figure with the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor, EffectDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> model = ARDRegressor((), max_iter=100, random_state=0).fit(X, X[:, 1])
    >>> EffectDisplay.from_estimator(model, 1, X).ax_.get_ylabel()
    'effect [units of y]'
    """

    def __init__(self, effect: Effect):
        self.effect = effect

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        columns: str | int | Sequence[str | int],
        X: MatrixLike,
        *,
        target: Any = None,
        only_interaction: bool = False,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the effect of a column or a pair of columns.

        Parameters
        ----------
        estimator : estimator
            Fitted, of this package, or what its `compact` returns.
        columns : int, str, or list of one or two of these
            Indices or names of columns.
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to average over.
        target : object, default=None
            Which of several classes or targets.
        only_interaction : bool, default=False
            Of a pair, whether to leave out what each column does alone.
        ax : Axes, default=None
            Where to draw; None is a new figure.
        **options : dict
            For :func:`sklearn_ard.inspection.effect`.

        Returns
        -------
        EffectDisplay
            Drawn.
        """
        display = cls(effect(estimator, columns, X, **options))
        return display.plot(target=target, only_interaction=only_interaction, ax=ax)

    def plot(
        self,
        *,
        target: Any = None,
        only_interaction: bool = False,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        target : object, default=None
            Which of several classes or targets, by its name.
        only_interaction : bool, default=False
            Of a pair, whether to leave out what each column does alone.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        EffectDisplay
            Itself.
        """
        check_given(self, "effect", Effect, "effect")
        found = self.effect
        output = output_index(self, found.output_names, target)
        parts: Any = found.values, found.std, found.interaction, found.share
        values, std, interaction, share = (
            each if each is None or output is None else each[..., output]
            for each in parts
        )
        unit = found.unit
        if output is not None and found.output_names is not None:
            unit = f"{unit}, {found.output_names[output]}"
        if len(found.names) == 2:
            if only_interaction:
                values = interaction
            ax = make_axes(self, ax, (6.4, 4.8))
            what = "interaction" if only_interaction else "effect"
            _draw_map(ax, found, values, f"{what} [{unit}]")
        elif found.is_category[0]:
            names = [label_of(level) for level in found.grid[0]]
            ax = make_axes(self, ax, bars_size(names))
            _draw_bars(ax, names, values, std)
            ax.set_xlabel(plain(f"effect [{unit}]"))
        else:
            ax = make_axes(self, ax, (6.4, 3.6))
            _draw_curve(ax, found, values, std)
            ax.set_ylabel(plain(f"effect [{unit}]"))
        ax.set_title(plain(_title(found, share)))
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _title(found: Effect, share: float) -> str:
    """Names and share of the variance."""
    names = " and ".join(found.names)
    if np.isnan(share):
        return names
    what = "interaction, " if len(found.names) == 2 else ""
    return f"{names}\n{what}{100 * share:.1f} % of the variance"


def _draw_curve(
    ax: Axes, found: Effect, values: np.ndarray, std: np.ndarray | None
) -> None:
    """The effect of a number, with its band and a rug of the data."""
    grid, data = found.grid[0], found.data[0]
    ax.axhline(0, color=DROPPED, linewidth=0.8)
    if std is not None:
        low, high = values - 2 * std, values + 2 * std
        ax.fill_between(grid, low, high, color=KEPT, alpha=0.2, lw=0, label="±2 std")
    ax.plot(grid, values, color=KEPT, marker="." if len(grid) == 1 else None)
    data = data[~np.isnan(data)]
    marks = data[:: -(-len(data) // _MOST_MARKS) or 1]
    ax.plot(
        marks, np.full(len(marks), 0.015), "|", color="black", alpha=0.25, ms=6,
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
    label = found.names[0]
    if len(data):
        inner = np.quantile(data, [_TAIL, 1 - _TAIL])
        if np.ptp(data) > _TOO_LONG * np.ptp(inner) > 0:
            margin = 0.04 * np.ptp(inner)
            ax.set_xlim(inner[0] - margin, inner[1] + margin)
            label += f"\n({100 * _TAIL:.0f} % of the rows on either side is not shown)"
    ax.set_xlabel(plain(label))
    ax.spines[["top", "right"]].set_visible(False)


def _draw_bars(
    ax: Axes, names: Sequence[str], values: np.ndarray, std: np.ndarray | None
) -> None:
    """The effects of levels, the largest on top."""
    order = np.argsort(-values, kind="stable")
    spread = None if std is None else 2 * std[order]
    position = np.arange(len(order))
    ax.barh(position, values[order], color=KEPT, height=0.7, alpha=0.85)
    if spread is not None:
        bars: dict[str, Any] = {"fmt": "none", "ecolor": "black", "elinewidth": 0.8}
        ax.errorbar(values[order], position, xerr=spread, **bars)
    ax.axvline(0, color="black", linewidth=0.8)
    set_names(ax, [names[k] for k in order], np.ones(len(order), dtype=bool))


def _draw_map(ax: Axes, found: Effect, values: np.ndarray, label: str) -> None:
    """The effect of a pair, and the rows."""
    places = []
    for axis, grid, is_category, name, data in zip(
        (ax.xaxis, ax.yaxis),
        found.grid,
        found.is_category,
        found.names,
        found.data,
        strict=True,
    ):
        axis.set_label_text(plain(name))
        if not is_category:
            places.append((grid, data))
            continue
        names = [label_of(level) for level in grid]
        axis.set_ticks(np.arange(len(grid)), [plain(name) for name in names])
        if axis is ax.xaxis and sum(map(len, names)) > 40:
            ax.tick_params(axis="x", labelrotation=90)
        codes = {name: code for code, name in enumerate(names)}
        rows = [codes.get(label_of(value), np.nan) for value in data]
        places.append((np.arange(len(grid)), np.array(rows, dtype=float)))
    (x, x_rows), (y, y_rows) = places
    most = np.abs(values).max() or 1.0
    mesh = ax.pcolormesh(
        x, y, values.T, shading="nearest", cmap=colormap(DIVERGING), vmin=-most,
        vmax=most,
    )  # fmt: skip
    every = -(-len(x_rows) // _MOST_MARKS)
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, (2, len(x_rows)))
    x_rows, y_rows = (
        rows + (jitter if is_category else 0)
        for rows, jitter, is_category in zip(
            (x_rows, y_rows), spread, found.is_category, strict=True
        )
    )
    ax.plot(
        x_rows[::every], y_rows[::every], ".", color="black", alpha=0.3, ms=2,
        scalex=False, scaley=False,
    )  # fmt: skip
    ax.figure.colorbar(mesh, ax=ax, label=plain(label))
