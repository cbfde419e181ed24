"""shapley_values: what each column adds to each prediction.

Input: a fitted model, rows to explain and rows to average over. Output: a
:class:`~sklearn_ard.inspection.attributions.ShapleyValues`.
"""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from tqdm import tqdm

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.predictor import Predictor
from sklearn_ard.inspection.attributions import ShapleyValues
from sklearn_ard.inspection.background import background_of, distinct
from sklearn_ard.inspection.coalitions import (
    coalition_values,
    interaction_weights,
    permutation_values,
    shapley_weights,
)
from sklearn_ard.inspection.enumeration import all_values
from sklearn_ard.inspection.players import OUTPUTS, Explained, as_table

MOST_PLAYERS = 14  # with 16,384 coalitions
_MOST_HYBRIDS = 1e12  # days
_AT_A_TIME = 50_000_000  # hybrids, about a second each
_MOST_VALUES = 8_000_000  # of coalitions, that are held at a time
_DELAY = 5.0  # seconds before there is a progress bar


@validate_params(
    {
        "output": [StrOptions(set(OUTPUTS))],
        "method": [StrOptions({"auto", "exact", "permutation"})],
        "interactions": ["boolean"],
        "n_permutations": [Interval(Integral, 4, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def shapley_values(
    model: Predictor,
    X: MatrixLike,
    background: MatrixLike | None = None,
    *,
    background_weight: ArrayLike | None = None,
    output: str = "auto",
    method: str = "auto",
    interactions: bool = False,
    n_permutations: int = 100,
    random_state: int | np.random.RandomState | None = None,
    verbose: int = 1,
) -> ShapleyValues:
    """What each column adds to each prediction: interventional Shapley values.

    The value of some columns is the mean prediction of hybrids, which have these
    columns from a row and all others from the rows of the background. A Shapley value
    is what a column adds to those before it, on average over all orders of the columns.
    The values of a row and the mean prediction of the background sum to the prediction.
    With up to 14 columns in use they are exact: all coalitions are computed. Columns
    that the model has dropped are exactly 0.

    Parameters
    ----------
    model : estimator
        A fitted model of this package, or what its `compact` returns.
    X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to explain.
    background : {DataFrame, array-like, sparse matrix}, default=None
        Rows to average over, at least 2. None is X, or 100 rows of it at random.
    background_weight : array-like of shape (n_background,), default=None
        Weights of these rows.
    output : {"auto", "log_odds", "probability"}, default="auto"
        What is explained of a classifier. "auto" is "log_odds": of two classes, the
        logarithm of the odds of the second; of several, the logarithms of all
        probabilities, less their mean. Predictions of a regressor are explained in
        units of y.
    method : {"auto", "exact", "permutation"}, default="auto"
        All coalitions, or means over random permutations with their standard errors.
        "auto" is "exact" with up to 14 columns in use.
    interactions : bool, default=False
        Whether to compute the interaction of each pair of columns as well. Needs all
        coalitions.
    n_permutations : int, default=100
        Number of permutations, in pairs of one and its reverse.
    random_state : int, RandomState instance or None, default=None
        Of the background that is drawn from X, and of permutations.
    verbose : int, default=1
        0 shows no progress bar; else there is one after five seconds.

    Returns
    -------
    ShapleyValues
        With `values`, `base_value`, `interactions`, `std_error` and `names`;
        `to_frame()`, and `to_explanation()` for the plots of shap.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If a parameter is invalid, X or the background has other columns than those of
        the fit, or too many columns are in use for all coalitions.

    See Also
    --------
    effect : What a column or a pair does on average.
    variance_shares : How much of the variance each of them explains.

    Notes
    -----
    Of an image model with convolutions the channels are explained, and of columns that
    `feature_groups` ties together the group. The interaction of a pair is the Shapley
    interaction index: what both together add beyond what each adds alone, on average
    over the coalitions of the others.

    Networks predict in single precision, and are explained in double precision. The
    values of no columns and of all of them are the model's own predictions, so that
    sums are exact; the difference, a ten millionth of a prediction or so, is shared
    equally. Modules that only torch can run are explained in single precision.

    Hybrids may be rows that do not occur, where columns are dependent.

    References
    ----------
    Shapley (1953). A value for n-person games. Contributions to the Theory of Games 2.

    Lundberg, Lee (2017). A unified approach to interpreting model predictions. NeurIPS.

    Janzing, Minorics, Bloebaum (2020). Feature relevance quantification in explainable
    AI: a causal problem. AISTATS, on the interventional value of a coalition.

    Grabisch, Roubens (1999). An axiomatic approach to the concept of interaction among
    players in cooperative games. International Journal of Game Theory 28.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ard import ARDRegressor
    >>> from sklearn_ard.inspection import shapley_values
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> model = ARDRegressor(max_iter=100, random_state=0).fit(X, X[:, 1] + X[:, 3])
    >>> found = shapley_values(model, X[:10], X)
    >>> found.values.shape
    (10, 5)
    >>> sums = found.values.sum(axis=1) + found.base_value
    >>> np.allclose(sums, model.predict(X[:10]), rtol=0, atol=1e-9)
    True
    """
    explained = Explained(model, output, "shapley_values")
    X = as_table(X)
    inputs, predictions = explained.inputs(X), explained.predictions(X)
    rng = check_random_state(random_state)
    base: Any
    b, weight, base = background_of(explained, X, background, background_weight, rng)
    is_exact = _is_exact(explained, method, interactions)
    inputs, index = distinct(inputs)
    first = np.unique(index, return_index=True)[1]
    ends = base, predictions[:, first]
    found: tuple[Any, Any, Any]
    options: tuple[Any, ...]
    values: Any
    error: Any
    if explained.n_players == 0:
        nothing = np.zeros((inputs.shape[1], 0, len(base)))
        found = nothing, nothing[:, :, None] if interactions else None, None
    elif is_exact:
        _check_work(explained, inputs, weight)
        options = interactions, verbose
        found = *_exact(explained, inputs, b, weight, ends, *options), None
    else:
        options = n_permutations, rng, verbose
        values, error = _sampled(explained, inputs, b, weight, ends, *options)
        found = values, None, error
    values, pairs, error = (None if each is None else each[index] for each in found)
    if explained.n_players:
        # equal inputs may differ in the last bit of a prediction
        left = predictions.T - base - values.sum(axis=1)
        values += left[:, None] / explained.n_players
    if explained.is_flat:
        values, base = values[..., 0], float(base[0])
        pairs = None if pairs is None else pairs[..., 0]
        error = None if error is None else error[..., 0]
    return ShapleyValues(
        names=explained.names,
        players=explained.players,
        base_value=base,
        data=explained.data(X),
        output_names=explained.answer_names,
        unit=explained.unit,
        of_players=values,
        of_pairs=pairs,
        error_of_players=error,
    )


def _is_exact(explained: Explained, method: str, interactions: bool) -> bool:
    """Whether all coalitions are computed."""
    k = explained.n_players
    mend = (
        "Select fewer columns, by a higher 'reg_factor' or 'feature_cost', or tie some "
        "together by 'feature_groups'"
    )
    if method == "exact" and k > MOST_PLAYERS:
        raise ValueError(
            "The 'method' parameter of shapley_values must be 'auto' or 'permutation' "
            f"for more than {MOST_PLAYERS} columns in use. Got 'exact' and {k} "
            f"columns, with 2 ** {k} coalitions. {mend}, or take 'permutation'."
        )
    is_exact = method != "permutation" and k <= MOST_PLAYERS
    if interactions and not is_exact and k > 0:
        if k <= MOST_PLAYERS:
            mend = "Pass method='auto'"
        raise ValueError(
            "The 'interactions' parameter of shapley_values must be False where values "
            f"are sampled, as for more than {MOST_PLAYERS} columns in use. Got True, "
            f"method={method!r} and {k} columns. {mend}."
        )
    return is_exact


def _check_work(explained: Explained, inputs: np.ndarray, weight: np.ndarray) -> None:
    """Refuse what would take days."""
    n, m, k = inputs.shape[1], len(weight), explained.n_players
    if n * m * 2.0**k > _MOST_HYBRIDS:
        raise ValueError(
            "The 'background' parameter of shapley_values must be small enough: rows × "
            "rows of the background × coalitions are at most "
            f"{_MOST_HYBRIDS:g}. Got {n:,} × {m:,} × {2**k:,} instead. Pass some rows "
            "of it, drawn at random (1,000 are many), or fewer rows of X."
        )


def _exact(
    explained: Explained,
    inputs: np.ndarray,
    background: np.ndarray,
    weight: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    interactions: bool,
    verbose: int,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Values, and maybe interactions, from all coalitions."""
    k, n, n_answers = explained.n_players, inputs.shape[1], len(ends[0])
    at_once = min(_AT_A_TIME // len(weight), _MOST_VALUES // n_answers) >> k
    at_once = max(1, at_once)
    values = np.empty((n, k, n_answers))
    pairs: Any = np.zeros((n, k, k, n_answers)) if interactions else None
    for rows in _progress(n, at_once, verbose):
        game = all_values(explained, inputs[:, rows], background, weight)
        game[:, 0], game[:, -1] = ends[0][:, None], ends[1][:, rows]
        weights = shapley_weights(k)
        values[rows] = np.einsum("kc,acn->nka", weights, game, optimize=True)
        if interactions and k > 1:
            (i, j), weights = interaction_weights(k)
            found = np.einsum("pc,acn->npa", weights, game, optimize=True)
            pairs[rows, i, j] = pairs[rows, j, i] = found
    return values, pairs


def _sampled(
    explained: Explained,
    inputs: np.ndarray,
    background: np.ndarray,
    weight: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    n_permutations: int,
    rng: np.random.RandomState,
    bar: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Values and their standard errors from random permutations."""
    k, n = explained.n_players, inputs.shape[1]
    at_once = max(1, _AT_A_TIME // (len(weight) * k * n_permutations))
    values, errors = [], []
    seed = rng.randint(2**31 - 1)
    for rows in _progress(n, at_once, bar):
        x = inputs[:, rows]

        def value_of(
            masks: np.ndarray, x: np.ndarray = x, rows: slice = rows
        ) -> np.ndarray:
            of_inputs = masks[1:-1, explained.of_input]
            found = np.empty((len(masks), x.shape[1], len(ends[0])))
            found[0], found[-1] = ends[0], ends[1][:, rows].T
            if len(of_inputs):
                found[1:-1] = coalition_values(
                    explained.compute, x, background, weight, of_inputs
                )
            return found

        same = check_random_state(seed)
        mean, error = permutation_values(value_of, k, n_permutations, same)
        values.append(mean.transpose(1, 0, 2))
        errors.append(error.transpose(1, 0, 2))
    return np.concatenate(values), np.concatenate(errors)


def _progress(n: int, at_once: int, verbose: int) -> Iterator[slice]:
    """Slices of rows, with a progress bar if they take long."""
    bar = tqdm(
        total=n,
        desc="shapley_values",
        unit=" rows",
        delay=_DELAY,
        leave=False,
        disable=not verbose,
    )
    with bar:
        for start in range(0, n, at_once):
            stop = min(n, start + at_once)
            yield slice(start, stop)
            bar.update(stop - start)
