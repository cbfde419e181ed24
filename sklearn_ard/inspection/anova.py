"""variance_shares: how much of the variance columns and pairs of columns explain.

Input: a fitted model and rows. Output: a :class:`VarianceShares`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions, validate_params

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection.background import rows_to_average
from sklearn_ard.inspection.coalitions import coalition_values
from sklearn_ard.inspection.players import OUTPUTS, Explained, as_table

_N_ROWS = 1_000  # at which effects are computed
_N_BACKGROUND = 200  # rows that each of them averages over
_N_VARIANCE = 50_000  # rows of which the variance is that of the prediction


@dataclass(frozen=True, eq=False, kw_only=True)
class VarianceShares:
    """Shares of the variance of predictions; of several outputs on a last axis.

    Attributes
    ----------
    names : ndarray of str of shape (n_columns,)
        Of the columns, or of the blocks that they form.
    players : int ndarray of shape (n_players,)
        Columns in use; those of the others are 0.
    main : ndarray of shape (n_players,)
        Of the main effect of each column in use.
    pairs : ndarray of shape (n_players, n_players)
        Of the interaction of each pair, symmetric, with zeros on the diagonal.
    rest : float
        Of interactions of more than two columns: 1 less all others.
    variance : float
        Of the prediction.
    output_names : list or None
        Targets or classes, where there are several.
    """

    names: np.ndarray
    players: np.ndarray
    main: np.ndarray
    pairs: np.ndarray
    rest: float | np.ndarray
    variance: float | np.ndarray
    output_names: list | None

    def to_frame(self) -> pd.DataFrame:
        """A row per main effect, pair and rest, which sum to 1; the largest first.

        Returns
        -------
        DataFrame
            The index has tuples of names; "share", or a column per output.
        """
        names, k = self.names[self.players], len(self.players)
        i, j = np.triu_indices(k, 1)
        parts = self.main, self.pairs[i, j], np.array([self.rest])
        shares = np.concatenate(parts).reshape(k + len(i) + 1, -1)
        index = [(name,) for name in names] + [
            (names[a], names[b]) for a, b in zip(i, j, strict=True)
        ]
        order = np.argsort(-shares[:-1].mean(axis=1), kind="stable")
        index = pd.Index([*(index[p] for p in order), ("rest",)], tupleize_cols=False)
        columns = self.output_names or ["share"]
        return pd.DataFrame(shares[[*order, -1]], index=index, columns=columns)


@validate_params(
    {
        "sample_weight": ["array-like", None],
        "output": [StrOptions(set(OUTPUTS))],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def variance_shares(
    model: Predictor,
    X: MatrixLike,
    *,
    sample_weight: ArrayLike | None = None,
    output: str = "auto",
    random_state: int | np.random.RandomState | None = 0,
) -> VarianceShares:
    """How much of the variance of predictions each column and each pair explains.

    The functional analysis of variance: a prediction is the mean prediction plus main
    effects of single columns, interactions of pairs, and more. If columns are drawn
    independently of each other, each from its values in X, these have no correlation,
    and their variances sum to that of the prediction: shares are Sobol' indices.

    Parameters
    ----------
    model : estimator
        A fitted model of this package, or what its `compact` returns.
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, at least 2, with the values that columns take.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    output : {"auto", "log_odds", "probability"}, default="auto"
        As in :func:`shapley_values`.
    random_state : int, RandomState instance or None, default=0
        Of the draws.

    Returns
    -------
    VarianceShares
        With `main`, `pairs`, `rest` and `to_frame()`. All are 0 if the prediction does
        not vary.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If a parameter is invalid, or X has other columns than those of the fit.

    See Also
    --------
    effect : What a column or a pair does.
    shapley_values : What each column adds to each prediction.

    Notes
    -----
    Where columns depend on each other, the model is asked for rows that do not occur,
    and shares are those of its function, not of the variance in X. An effect is
    computed at 1,000 rows as a mean over 200, all of them Latin hypercubes: values of a
    column at equal distances in its order, in an order of its own. The standard error
    of a share is 0.01 or less.

    References
    ----------
    Sobol' (1993). Sensitivity estimates for nonlinear mathematical models. Mathematical
    Modelling and Computational Experiments 1.

    Owen (2014). Sobol' indices and Shapley value. SIAM/ASA Journal on Uncertainty
    Quantification 2.

    Hooker (2007). Generalized functional ANOVA diagnostics for high-dimensional
    functions of dependent variables. Journal of Computational and Graphical Statistics
    16, on dependent columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor
    >>> from sklearn_ard.inspection import variance_shares
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> y = 2 * X[:, 1] + X[:, 3]
    >>> model = ARDRegressor((), max_iter=100, n_bins=0, random_state=0).fit(X, y)
    >>> variance_shares(model, X).main.round(1)
    array([0.8, 0.2])
    """
    explained = Explained(model, output, "variance_shares")
    X = as_table(X)
    inputs, weight = rows_to_average(explained, X, sample_weight, "X", "sample_weight")
    k = explained.n_players
    i, j = np.triu_indices(k, 1)
    subsets = [(p,) for p in range(k)] + list(zip(i.tolist(), j.tolist(), strict=True))
    variance: Any
    found, variance = shares_of(explained, inputs, weight, subsets, random_state)
    pairs = np.zeros((k, k, found.shape[1]))
    pairs[i, j] = pairs[j, i] = found[k:]
    rest: Any = np.where(variance > 0, 1 - found.sum(axis=0), 0.0)
    main = found[:k]
    if explained.is_flat:
        main, pairs = main[:, 0], pairs[..., 0]
        rest, variance = float(rest[0]), float(variance[0])
    return VarianceShares(
        names=explained.names,
        players=explained.players,
        main=main,
        pairs=pairs,
        rest=rest,
        variance=variance,
        output_names=explained.answer_names,
    )


def shares_of(
    explained: Explained,
    inputs: np.ndarray,
    weight: np.ndarray,
    subsets: Sequence[tuple[int, ...]],
    random_state: int | np.random.RandomState | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the variance that some subsets of players explain.

    Parameters
    ----------
    explained : Explained
        The model.
    inputs : ndarray of shape (n_inputs, n)
        With the values that players take.
    weight : ndarray of shape (n,)
        Their weights, which sum to 1.
    subsets : list of tuples of int
        Single players, and pairs of players.
    random_state : int, RandomState instance or None
        Of the draws.

    Returns
    -------
    shares : ndarray of shape (n_subsets, n_answers)
        Variances of their effects, over that of the answers; 0 if these do not vary.
    variance : ndarray of shape (n_answers,)
        Of the answers.
    """
    rng = check_random_state(random_state)
    ranks = [
        np.lexsort(inputs[explained.of_input == p]) for p in range(explained.n_players)
    ]
    draw = partial(_hypercube, explained.of_input, inputs, weight, ranks, rng)
    answers = explained.compute(draw(_N_VARIANCE))
    variance = answers.var(axis=1)
    # constants vary by rounding
    scale = np.abs(answers).max(axis=1, initial=0)
    variance = np.where(variance > (1e-9 * scale) ** 2, variance, 0.0)
    x, background = draw(_N_ROWS), draw(_N_BACKGROUND)
    needed = sorted({each for s in subsets for each in itertools.chain([s], zip(s))})
    masks = [np.isin(explained.of_input, subset) for subset in needed]
    equal = np.full(_N_BACKGROUND, 1 / _N_BACKGROUND)
    values = {}
    if needed:
        found = coalition_values(
            explained.compute, x, background, equal, np.array(masks)
        )
        values = dict(zip(needed, found, strict=True))
    shares = np.zeros((len(subsets), len(variance)))
    for row, subset in zip(shares, subsets, strict=True):
        part = values[subset]
        if len(subset) == 2:
            part = part - values[subset[:1]] - values[subset[1:]]
        np.divide(part.var(axis=0), variance, out=row, where=variance > 0)
    return shares, variance


def _hypercube(
    of_input: np.ndarray,
    inputs: np.ndarray,
    weight: np.ndarray,
    ranks: list[np.ndarray],
    rng: np.random.RandomState,
    n: int,
) -> np.ndarray:
    """Rows with independent players, whose values are as frequent as in the inputs."""
    rows = np.empty((len(inputs), n))
    for p, order in enumerate(ranks):
        share = np.cumsum(weight[order])
        at = np.searchsorted(share, (np.arange(n) + 0.5) / n * share[-1])
        chosen = rng.permutation(order[np.minimum(at, len(order) - 1)])
        own = of_input == p
        rows[own] = inputs[own][:, chosen]
    return rows
