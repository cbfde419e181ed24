"""effect: what a column, or a pair of columns, does on average.

Input: a fitted model, the columns, and rows to average over. Output: an
:class:`Effect`, a curve or a map.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard._validation import columns_of
from sklearn_ard.data.columns import Columns
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection.anova import shares_of
from sklearn_ard.inspection.background import rows_to_average
from sklearn_ard.inspection.coalitions import coalition_values
from sklearn_ard.inspection.players import OUTPUTS, Explained, as_table

_LEAST_ROWS, _MOST_ROWS = 25, 200  # over which the standard deviation averages
_MOST_HYBRIDS = 10_000  # of them


@dataclass(frozen=True, eq=False, kw_only=True)
class Effect:
    """The effect of a column or of a pair; of several outputs on a last axis.

    Attributes
    ----------
    names : list of str
        Of the column, or of the two.
    grid : list of ndarray
        Values of each of them, ascending; levels of a category, NaN for a gap.
    is_category : list of bool
        Whether the model takes each of them as levels.
    values : ndarray of shape (n_values,) or (n_values, n_values)
        Mean prediction where the columns have these values, less `base_value`.
    std : ndarray of the same shape, or None
        Standard deviation under the posterior of the weights, in an ensemble also
        between its networks; None where only torch can run them.
    interaction : ndarray of the same shape, or None
        Of a pair: `values` less the effects of both columns alone.
    share : float
        Of the variance of predictions; of a pair, that of the interaction. NaN of one
        of several columns that `feature_groups` ties together.
    base_value : float
        Mean prediction.
    data : list of ndarray
        Values of the columns in the rows.
    output_names : list or None
        Targets or classes, where there are several.
    unit : str
        Of the values.
    """

    names: list
    grid: list
    is_category: list
    values: np.ndarray
    std: np.ndarray | None
    interaction: np.ndarray | None
    share: float | np.ndarray
    base_value: float | np.ndarray
    data: list
    output_names: list | None
    unit: str

    def to_frame(self) -> pd.DataFrame:
        """A row per value, or per pair of values.

        Returns
        -------
        DataFrame
            The values of the columns, "effect", "std" and "interaction"; of several
            outputs there is one of each, with its name in brackets.
        """
        mesh = np.meshgrid(*[np.arange(len(g)) for g in self.grid], indexing="ij")
        frame = pd.DataFrame(
            {
                name: grid[index.ravel()]
                for name, grid, index in zip(self.names, self.grid, mesh, strict=True)
            }
        )
        parts = {"effect": self.values, "std": self.std}
        for part, values in (parts | {"interaction": self.interaction}).items():
            if values is None:
                continue
            if self.output_names is None:
                frame[part] = values.ravel()
                continue
            for k, name in enumerate(self.output_names):
                frame[f"{part} [{name}]"] = values[..., k].ravel()
        return frame


@validate_params(
    {
        "sample_weight": ["array-like", None],
        "output": [StrOptions(set(OUTPUTS))],
        "grid_resolution": [Interval(Integral, 2, None, closed="left"), None],
        "n_draws": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def effect(
    model: Predictor,
    columns: str | int | Sequence[str | int],
    X: MatrixLike,
    *,
    sample_weight: ArrayLike | None = None,
    output: str = "auto",
    grid_resolution: int | None = None,
    n_draws: int = 100,
    random_state: int | np.random.RandomState | None = 0,
) -> Effect:
    """What a column or a pair of columns does to the prediction, on average.

    The column gets each of its values in all rows of X, whose other columns stay as
    they are, and predictions are averaged: the partial dependence. What is returned is
    less than that by the mean prediction, so that effects can be compared.

    Parameters
    ----------
    model : estimator
        A fitted model of this package, or what its `compact` returns.
    columns : int, str, or list of one or two of these
        Indices or names of columns, also of those that `feature_groups` ties together.
        The effect of one that the model has dropped is 0.
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to average over, at least 2.
    sample_weight : array-like of shape (n_samples,), default=None
        Their weights.
    output : {"auto", "log_odds", "probability"}, default="auto"
        As in :func:`shapley_values`.
    grid_resolution : int, default=None
        Largest number of values of a number, which are taken from X: some at equal
        distances, others at equal numbers of rows. None is 60, or 20 of a pair. A
        category has all its levels.
    n_draws : int, default=100
        Networks that are drawn from the posterior of the weights for the standard
        deviation, which averages over up to 200 rows of X; 0 leaves it out.
    random_state : int, RandomState instance or None, default=0
        Of draws for `share`.

    Returns
    -------
    Effect
        With `grid`, `values`, `std`, `share`, `interaction` of a pair, and
        `to_frame()`.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If a parameter is invalid, or X has other columns than those of the fit.

    See Also
    --------
    variance_shares : Shares of all columns and pairs, which sum to 1.
    shapley_values : What each column adds to each prediction.

    Notes
    -----
    `share` is that of :func:`variance_shares`, for which columns are independent;
    `values` are means over rows of X, whose other columns depend on each other as they
    do.

    References
    ----------
    Friedman (2001). Greedy function approximation: a gradient boosting machine. Annals
    of Statistics 29, on partial dependence.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor
    >>> from sklearn_ard.inspection import effect
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> y = 2 * X[:, 1] + X[:, 3]
    >>> model = ARDRegressor((), max_iter=100, n_bins=0, random_state=0).fit(X, y)
    >>> found = effect(model, 1, X)
    >>> slope = np.polyfit(found.grid[0], found.values, 1)[0]
    >>> print(f"{slope:.1f}, {found.share:.1f} of the variance")
    2.0, 0.8 of the variance
    """
    explained = Explained(model, output, "effect")
    chosen, table_columns = _chosen(explained, columns), columns_of(model)
    X = as_table(X)
    inputs, weight = rows_to_average(explained, X, sample_weight, "X", "sample_weight")
    if grid_resolution is None:
        grid_resolution = 60 if len(chosen) == 1 else 20
    data, kinds, grids, rows = [], [], [], []
    values: Any
    for j in chosen:
        values, is_category = explained.values_of(X, j)
        at = _grid_rows(values, is_category, grid_resolution)
        data.append(values)
        kinds.append(is_category)
        grids.append(values[at])
        rows.append(at)
    masks = [explained.inputs_of_column(j) for j in chosen]
    shape = tuple(map(len, rows))
    mesh = np.meshgrid(*rows, indexing="ij")
    x = inputs[:, mesh[0].ravel()]
    if len(chosen) == 2:
        x[masks[1]] = inputs[masks[1]][:, mesh[1].ravel()]
    together = np.any(masks, axis=0)
    base = explained.compute(inputs) @ weight
    found = coalition_values(explained.compute, x, inputs, weight, together[None])[0]
    values = (found - base).reshape(*shape, -1)
    interaction = None
    if not together.any():
        values[:] = 0.0  # exactly
    if len(chosen) == 2 and not all(mask.any() for mask in masks):
        interaction = np.zeros_like(values)
    elif len(chosen) == 2:
        interaction = values.copy()
        for axis, (mask, at) in enumerate(zip(masks, rows, strict=True)):
            alone = coalition_values(
                explained.compute, inputs[:, at], inputs, weight, mask[None]
            )[0]
            interaction -= np.expand_dims(alone - base, 1 - axis)
    std = _std(explained, x, inputs, weight, together, n_draws)
    std = None if std is None else std.reshape(values.shape)
    share = _share(explained, chosen, inputs, weight, random_state)
    share = np.broadcast_to(share, base.shape)
    if explained.is_flat:
        base, share = float(base[0]), float(share[0])
        values, std, interaction = (
            None if each is None else each[..., 0]
            for each in (values, std, interaction)
        )
    return Effect(
        names=[str(table_columns.labels[j]) for j in chosen],
        grid=grids,
        is_category=kinds,
        values=values,
        std=std,
        interaction=interaction,
        share=share,
        base_value=base,
        data=data,
        output_names=explained.answer_names,
        unit=explained.unit,
    )


def _chosen(explained: Explained, columns: Any) -> list[int]:
    """Indices of one or two columns, in the order in which they were given."""
    known = columns_of(explained.model)
    owner = type(known)(known.n_columns, known.names, "effect")
    is_one = isinstance(columns, (str, Integral)) or not np.iterable(columns)
    listed = [columns] if is_one else list(columns)
    if any(isinstance(each, (bool, np.bool_)) for each in listed):
        raise ValueError(
            owner.says("columns", "hold one or two names or indices", repr(columns))
        )
    listed = [_column_of_group(explained, known, each) for each in listed]
    chosen = [int(owner.indices([each], "columns")[0]) for each in listed]
    if len(chosen) not in (1, 2) or len(set(chosen)) < len(chosen):
        must = "name one column, or two different ones"
        raise ValueError(owner.says("columns", must, repr(columns)))
    return chosen


def _column_of_group(explained: Explained, known: Columns, name: Any) -> Any:
    """The only column of a group, if it is one that is named; or what is given."""
    if not isinstance(name, str) or name in known.labels:
        return name
    members = explained.members_of(name)
    if len(members) < 2:
        return int(members[0]) if len(members) else name
    names = range(known.n_columns) if known.names is None else known.names
    some = [names[j] for j in members[:3]]
    raise ValueError(
        "The 'columns' parameter of effect must name columns, each of which has values "
        f"to draw. Got {name!r} instead, a group of {len(members)} columns that are "
        f"kept together. Name one or two of them, such as {some}; shapley_values and "
        "variance_shares say what the group does as a whole."
    )


def _grid_rows(values: np.ndarray, is_category: bool, resolution: int) -> np.ndarray:
    """Rows with the values at which an effect is computed, in their order."""
    is_gap = pd.isna(values)
    known = np.flatnonzero(~is_gap)
    distinct, first = np.unique(values[known], return_index=True)
    rows = known[first]
    if is_category:
        return np.append(rows, np.flatnonzero(is_gap)[:1])
    if not len(known):
        return np.zeros(1, dtype=int)
    if len(distinct) <= resolution:
        return rows
    n_even = max(2, resolution // 2)
    shares = np.linspace(0, 1, resolution - n_even + 2)[1:-1]
    wanted = np.concatenate(
        [
            np.linspace(distinct[0], distinct[-1], n_even),
            np.quantile(values[known], shares),
        ]
    )
    above = np.searchsorted(distinct, wanted).clip(1, len(distinct) - 1)
    is_below = wanted - distinct[above - 1] < distinct[above] - wanted
    return rows[np.unique(above - is_below)]


def _std(
    explained: Explained,
    x: np.ndarray,
    inputs: np.ndarray,
    weight: np.ndarray,
    mask: np.ndarray,
    n_draws: int,
) -> np.ndarray | None:
    """Standard deviations of the effect at each row of x, or None."""
    if n_draws == 0:
        return None
    n_rows = np.clip(_MOST_HYBRIDS // x.shape[1], _LEAST_ROWS, _MOST_ROWS)
    every = -(-inputs.shape[1] // n_rows)
    background, weight = inputs[:, ::every], weight[::every]
    if not weight.any():
        return None
    n, m = x.shape[1], len(weight)
    hybrids = np.where(mask[:, None, None], x[:, :, None], background[:, None, :])
    rows = np.concatenate([hybrids.reshape(len(x), n * m), background], axis=1)
    draws = explained.draws(rows, n_draws)
    if draws is None:
        return None
    means = [
        np.average(draw.reshape(len(draw), n + 1, m), axis=2, weights=weight)
        for draw in draws
    ]
    return np.std([(mean[:, :-1] - mean[:, -1:]).T for mean in means], axis=0)


def _share(
    explained: Explained,
    chosen: list[int],
    inputs: np.ndarray,
    weight: np.ndarray,
    random_state: int | np.random.RandomState | None,
) -> float | np.ndarray:
    """Share of the variance of the columns' block, or of the interaction of two."""
    of_column = {explained.column_of(p): p for p in range(explained.n_players)}
    used = [j for j in chosen if explained.inputs_of_column(j).any()]
    if len(used) < len(chosen):
        return 0.0
    if not all(j in of_column for j in used):
        return np.nan
    subset = tuple(of_column[j] for j in used)
    return shares_of(explained, inputs, weight, [subset], random_state)[0][0]
