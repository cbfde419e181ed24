"""The rows that explanations average over.

Input: a model, a table and weights. Output: inputs of its network, with weights; equal
rows are one.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _check_sample_weight, _num_samples

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inspection.players import Explained

N_ROWS = 100  # of X, where no background is given
_MOST_NUMBERS = 200_000_000  # of the inputs of a background: 1.6 GB


def background_of(
    explained: Explained,
    X: MatrixLike,
    background: MatrixLike | None,
    weight: ArrayLike | None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs of a background, and weights that sum to 1.

    Parameters
    ----------
    explained : Explained
        The model.
    X : {DataFrame, array-like, sparse matrix}
        Rows that are explained; some of them where no background is given.
    background : {DataFrame, array-like, sparse matrix} or None
        From the user.
    weight : array-like or None
        From the user.
    random_state : int, RandomState instance or None
        Draws from X.

    Returns
    -------
    inputs : ndarray of shape (n_inputs, n_background)
        Distinct.
    weight : ndarray of shape (n_background,)
        Sums of their weights.
    base : ndarray of shape (n_answers,)
        Mean prediction.
    """
    name, owner = "background", explained.owner
    if background is None:
        if weight is not None:
            raise ValueError(
                f"The 'background_weight' parameter of {owner} must be None where no "
                "'background' is given. Pass the rows that have these weights."
            )
        n_rows = _n_rows(X, owner)
        if n_rows < 2:
            raise ValueError(
                f"The 'background' parameter of {owner} must be given where X has less "
                f"than 2 rows, of which one would be taken. Got None, and {n_rows} "
                "rows of X. Pass rows of training, 100 say."
            )
        background = X
        if n_rows > N_ROWS:
            rng = check_random_state(random_state)
            rows = rng.choice(n_rows, N_ROWS, replace=False)
            background = _safe_indexing(X, np.sort(rows))
    names = name, "background_weight"
    inputs, weight = rows_to_average(explained, background, weight, *names)
    base = explained.predictions(background) @ weight
    inputs, index = distinct(inputs)
    weight = np.bincount(index, weight, minlength=inputs.shape[1])
    return inputs[:, weight > 0], weight[weight > 0], base


def rows_to_average(
    explained: Explained,
    X: MatrixLike,
    weight: ArrayLike | None,
    name: str,
    weight_name: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of rows, and weights that sum to 1.

    Parameters
    ----------
    explained : Explained
        The model.
    X : {DataFrame, array-like, sparse matrix}
        At least two rows.
    weight : array-like or None
        From the user.
    name, weight_name : str
        What the parameters are called.

    Returns
    -------
    inputs : ndarray of shape (n_inputs, n)
        As the network takes them.
    weight : ndarray of shape (n,)
        Weights.
    """
    owner = explained.owner
    n = _n_rows(X, owner, name)
    if n < 2:
        raise ValueError(
            f"The {name!r} parameter of {owner} must have at least 2 rows, over which "
            f"predictions are averaged. Got {n} instead. Pass rows of training, 100 "
            "say."
        )
    if n * len(explained.of_input) > _MOST_NUMBERS:
        raise ValueError(
            f"The {name!r} parameter of {owner} must be small enough for memory: "
            f"{_MOST_NUMBERS:,} numbers that the network reads. Got {n:,} rows of "
            f"{len(explained.of_input)} instead. Pass some of them, drawn at random; "
            "1,000 are many."
        )
    inputs = explained.inputs(X, name)
    return inputs, _checked_weight(weight, inputs.T, owner, weight_name)


def _checked_weight(weight: Any, rows: np.ndarray, owner: str, name: str) -> np.ndarray:
    """Weights that sum to 1."""
    try:
        weight = _check_sample_weight(
            weight, rows, dtype=np.float64, ensure_non_negative=True
        )
        if not weight.any():
            raise ValueError("Got only zeros.")
    except ValueError as error:
        raise ValueError(
            f"The {name!r} parameter of {owner} must have a finite number for each "
            f"row, none negative and one positive at least. {error}"
        ) from error
    weight = weight / weight.max()  # whose sum may be infinite
    return weight / weight.sum()


def distinct(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct columns of inputs, and the index of each column among them."""
    if not len(inputs):
        return inputs[:, :1], np.zeros(inputs.shape[1], dtype=int)
    found, index = np.unique(inputs, axis=1, return_inverse=True)
    return found, index.ravel()


def _n_rows(X: MatrixLike, owner: str, name: str = "X") -> int:
    """Number of rows of a table."""
    try:
        return _num_samples(X)
    except TypeError as error:  # it has none
        raise ValueError(
            f"The {name!r} parameter of {owner} must be a table as in fit. Got "
            f"{X!r:.60} instead."
        ) from error
