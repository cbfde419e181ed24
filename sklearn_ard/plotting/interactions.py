"""InteractionDisplay: how much of the variance columns and pairs explain.

Input: a fitted model and rows, or a :class:`~sklearn_ard.inspection.VarianceShares`.
Output: a triangle of shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils._param_validation import validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection import VarianceShares, variance_shares
from sklearn_ard.plotting.style import (
    AT_LEAST_0,
    KEPT,
    check_given,
    colormap,
    make_axes,
    output_index,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_SHARE = 0.005  # that is written
_CELL, _LEAST_WIDTH = 0.5, 4.2  # inches


class InteractionDisplay:
    """A triangle of shares of the variance: of columns, and of pairs.

    Parameters
    ----------
    shares : VarianceShares
        From :func:`sklearn_ard.inspection.variance_shares`.

    Attributes
    ----------
    ax_ : Axes
        With main effects on the diagonal, where the names are, and interactions below
        it, in per cent; columns are in the order of all that they take part in.
    figure_ : Figure
        Figure with the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor, InteractionDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> model = ARDRegressor((), max_iter=100, random_state=0).fit(X, X[:, 1])
    >>> InteractionDisplay.from_estimator(model, X).ax_.get_title(loc="left")
    'columns 100 %, pairs 0 %, more 0 %'
    """

    def __init__(self, shares: VarianceShares):
        self.shares = shares

    @classmethod
    def from_estimator(
        cls,
        estimator: Predictor,
        X: MatrixLike,
        *,
        target: Any = None,
        max_features: int = 15,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compute the shares, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted, of this package, or what its `compact` returns.
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the values that columns take.
        target, max_features, ax
            As in :meth:`plot`.
        **options : dict
            For :func:`sklearn_ard.inspection.variance_shares`.

        Returns
        -------
        InteractionDisplay
            Drawn.
        """
        display = cls(variance_shares(estimator, X, **options))
        return display.plot(target=target, max_features=max_features, ax=ax)

    @validate_params({"max_features": AT_LEAST_0}, prefer_skip_nested_validation=True)
    def plot(
        self, *, target: Any = None, max_features: int = 15, ax: Axes | None = None
    ) -> Self:
        """Draw the display.

        Parameters
        ----------
        target : object, default=None
            Which of several classes or targets, by its name.
        max_features : int, default=15
            Largest number of columns, those with the largest shares.
        ax : Axes, default=None
            Where to draw; None is a new figure.

        Returns
        -------
        InteractionDisplay
            Itself.
        """
        check_given(self, "shares", VarianceShares, "variance_shares")
        found = self.shares
        output = output_index(self, found.output_names, target)
        main, pairs = found.main, found.pairs
        rest: Any = found.rest
        if output is not None:
            main, pairs = main[:, output], pairs[..., output]
            rest = rest[output]
        order = np.argsort(-(main + pairs.sum(axis=1)), kind="stable")[:max_features]
        names = [str(found.names[found.players[j]]) for j in order]
        longest = 0.085 * max(map(len, names), default=0)
        side = _CELL * max(4, len(order))
        ax = make_axes(self, ax, (max(_LEAST_WIDTH, side + longest), side + 0.5))
        table = pairs[np.ix_(order, order)] + np.diag(main[order])
        table = np.where(np.tri(len(order), dtype=bool), table, np.nan)
        most = max(0.05, np.nanmax(table, initial=0.0))
        if len(order):
            colors = {"cmap": colormap(("#F2F6F9", KEPT)), "vmin": 0, "vmax": most}
            ax.imshow(table, aspect="equal", **colors)
        for i, j in np.argwhere(table >= _LEAST_SHARE):
            color = "white" if table[i, j] > 0.55 * most else "black"
            text: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "fontsize": 8,
                "color": color,
            }
            ax.text(j, i, f"{100 * table[i, j]:.0f}", **text)
        for j, name in enumerate(names):  # at the end of its row, on top of its column
            ax.text(j + 0.6, j, plain(name), ha="left", va="center", fontsize=9)
        ax.set_anchor("W")  # names are on the right
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        parts = main.sum(), pairs.sum() / 2, rest
        words = "columns {:.0f} %, pairs {:.0f} %, more {:.0f} %"
        title = words.format(*(100 * abs(round(part, 4)) for part in parts))
        ax.set_title(title, fontsize=10, loc="left")
        self.ax_, self.figure_ = ax, ax.figure
        return self
