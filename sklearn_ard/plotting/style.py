"""The colours, axes and lines that all displays share.

Input: a display, the axes of the user, arrays to draw. Output: axes with artists.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito (2008), Color Universal Design: distinct for colour-blind readers.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", ":")
KEPT, CHOSEN, DROPPED = COLORS[0], COLORS[1], "#B0B0B0"
PRUNED = "#EDEDED"  # weights in a picture of a layer
DROPPED_NAME, COUNTS = "#707070", "#606060"  # darker, for legibility
DIVERGING = (COLORS[0], "#F5F5F5", COLORS[1])  # below and above 0, low and high
_MOST_CHARACTERS = 20  # of a name, before a figure grows
AT_LEAST_0 = [Interval(Integral, 0, None, closed="left")]  # for `validate_params`
_MAX_TICKS = 10  # a path of more points has matplotlib's own ticks


def check_given(display: object, name: str, kind: type, maker: str) -> None:
    """Refuse a display of something else than it draws.

    Parameters
    ----------
    display : object
        Its attribute `name` is from the user.
    name : str
        Of the parameter.
    kind : type
        What it must be.
    maker : str
        What returns that.

    Raises
    ------
    TypeError
        If it is something else.
    """
    given, owner = getattr(display, name), type(display).__name__
    if not isinstance(given, kind):
        raise TypeError(
            f"The {name!r} parameter of {owner} must be of type {kind.__name__}, as "
            f"{maker} returns it. Got a {type(given).__name__} instead. For a fitted "
            f"model, call {owner}.from_estimator."
        )


def check_drawable(estimator: object, display: type, *attributes: str) -> None:
    """Refuse an estimator that is not fitted or lacks what a display draws.

    Parameters
    ----------
    estimator : object
        From the user.
    display : type
        Class of the display.
    *attributes : str
        Names of what it reads.

    Raises
    ------
    TypeError
        If it is no estimator.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If an attribute is missing.
    """
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise TypeError(
            f"The 'estimator' parameter of {display.__name__}.from_estimator must be a "
            f"fitted estimator. Got a {type(estimator).__name__} instead."
        )
    check_is_fitted(estimator)
    for name in attributes:
        if not hasattr(estimator, name):
            raise ValueError(
                f"The 'estimator' parameter of {display.__name__}.from_estimator must "
                f"have {name!r}. Got a {type(estimator).__name__} without it."
            )


def make_axes(
    display: object, ax: Axes | None, figsize: tuple[float, float] | None
) -> Axes:
    """The axes to draw on: those given, or the only ones of a new figure."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax


def bars_size(names: Sequence[str], width: float = 6.4) -> tuple[float, float]:
    """Width and height in inches of a figure with a horizontal bar for each name."""
    longest = max((len(str(name)) for name in names), default=0)
    more = 0.075 * max(0, longest - _MOST_CHARACTERS)
    return width + more, 1.1 + 0.24 * max(2, len(names))


def set_names(
    ax: Axes, names: Sequence[str], kept: np.ndarray, n_lines: int = 1
) -> None:
    """Names at bars, the first on top, in place for `n_lines`; some are grey."""
    ax.set_yticks(np.arange(len(names)), [plain(name) for name in names])
    for tick, is_kept in zip(ax.get_yticklabels(), kept, strict=True):
        tick.set_color("black" if is_kept else DROPPED_NAME)
    ax.set_ylim(max(n_lines, len(names)) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def count(n: int, what: str, done: str) -> str:
    """A line such as "1 column dropped" or "40 columns dropped"."""
    return f"{n:,} {what}{'' if n == 1 else 's'} {done}"


def colormap(colors: Sequence[str]) -> Any:
    """A colormap through some colours."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("", colors)


def plain(text: object) -> str:
    """A name that matplotlib draws as it is, also with dollars, which mark formulas."""
    return str(text).replace("$", r"\$")


def label_of(value: object) -> str:
    """How to write a level or a number."""
    if isinstance(value, (float, np.floating)):
        return "missing" if np.isnan(value) else f"{value:.4g}"
    return str(value)


def output_index(display: object, names: list | None, target: Any) -> int | None:
    """Index of one of several outputs, by the `target` parameter of a plot."""
    if names is None and target is not None:
        raise ValueError(
            f"The 'target' parameter of {type(display).__name__}.plot must be None for "
            f"a model with one output. Got {target!r} instead. Of two classes it is "
            "the log-odds or the probability of the second."
        )
    if names is None:
        return None
    if np.ndim(target) == 0 and target in names:
        return list(names).index(target)
    if target is None and len(names) == 1:
        return 0
    raise ValueError(
        f"The 'target' parameter of {type(display).__name__}.plot must be one of "
        f"{list(names)}, the outputs of the model. Got {target!r} instead."
    )


def make_grid(
    display: object,
    ax: Any,
    shape: tuple[int, int],
    figsize: tuple[float, float],
    **options: Any,
) -> np.ndarray:
    """Axes in rows and columns, in a new figure or in the place of given axes.

    Parameters
    ----------
    display : object
        The display; its class is named in errors.
    ax : Axes or None
        Axes to replace; None makes a new figure.
    shape : tuple of int
        Number of rows and of columns.
    figsize : tuple of float
        Width and height of a new figure in inches.
    **options : dict
        For matplotlib's GridSpec.

    Returns
    -------
    ndarray of Axes
        Of the given shape.

    Raises
    ------
    ValueError
        If `ax` has no place in a grid.
    """
    name = f"{type(display).__name__}.plot"
    check_matplotlib_support(name)
    import matplotlib.pyplot as plt

    if ax is None:
        figure = plt.figure(figsize=figsize, layout="constrained")
        grid: Any = figure.add_gridspec(*shape, **options)
    elif ax.get_subplotspec() is None:
        raise ValueError(
            f"The 'ax' parameter of {name} must be axes of a grid, as plt.subplots or "
            f"Figure.add_subplot make them. Got {ax!r} instead."
        )
    else:
        figure = ax.figure
        ax.set_axis_off()
        grid = ax.get_subplotspec().subgridspec(*shape, **options)
    axes = [figure.add_subplot(cell) for cell in grid]
    return np.array(axes, dtype=object).reshape(shape)


def make_panels(
    display: object, ax: Axes | None, heights: Sequence[float], width: float = 6.4
) -> np.ndarray:
    """Axes one below the other over the same x axis, of some heights in inches."""
    shape, figsize = (len(heights), 1), (width, sum(heights))
    panels = make_grid(display, ax, shape, figsize, height_ratios=heights)[:, 0]
    for panel in panels[1:]:
        panel.sharex(panels[0])
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    return panels


def draw_lines(
    ax: Axes, x: np.ndarray, values: np.ndarray, named: np.ndarray, names: np.ndarray
) -> None:
    """One line per column: the named ones in colours, the others thin and grey."""
    others = np.setdiff1d(np.flatnonzero(values.any(axis=0)), named)
    marker = "." if len(x) > 1 else "o"
    if len(others):
        ax.plot(x, values[:, others], color=DROPPED, linewidth=0.7, marker=marker, ms=2)
    for k, j in enumerate(named):
        ax.plot(
            x,
            values[:, j],
            color=COLORS[k % len(COLORS)],
            linestyle=STYLES[k // len(COLORS) % len(STYLES)],
            marker=marker,
            label=plain(names[j]),
        )
    if len(others):
        ax.plot([], [], color=DROPPED, label=f"{len(others):,} others")
    if len(named) or len(others):
        ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def draw_n_features(ax: Axes, x: np.ndarray, n_features: np.ndarray) -> None:
    """The number of columns as steps."""
    ax.plot(x, n_features, color=COUNTS, drawstyle="steps-mid", marker=".")
    ax.set_ylabel("columns", color=COUNTS)
    ax.set_ylim(bottom=-0.05 * max(1, np.max(n_features)))


def set_log_axis(ax: Axes, x: np.ndarray, name: str = "reg_factor") -> None:
    """Make the x axis logarithmic, or symmetrically so where values are 0."""
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


def largest(values: np.ndarray, n: int) -> np.ndarray:
    """Indices of the `n` largest values that are over 0, descending."""
    order = np.argsort(-values, kind="stable")[:n]
    return order[values[order] > 0]
