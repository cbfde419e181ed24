"""Coalitions of players, and what values and interactions make of them.

Input: the number of players, or masks of coalitions with the inputs of a network.
Output: weights of coalitions, and the value of each coalition: the mean answer over the
background, of hybrids that have the players of a coalition from a row, and all others
from the background.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

_MOST_NUMBERS = 2_000_000  # of the hybrids that are made at a time


@lru_cache(maxsize=4)
def shapley_weights(n_players: int) -> np.ndarray:
    """What the value of each coalition contributes to each Shapley value.

    Parameters
    ----------
    n_players : int
        Number of players.

    Returns
    -------
    ndarray of shape (n_players, 2 ** n_players)
        Player j is in coalition c if bit j of c is set.
    """
    is_in, sizes = _members(n_players)
    sizes_of = [1 / (n_players * math.comb(n_players - 1, s)) for s in range(n_players)]
    of_size = np.array([*sizes_of, 0.0])
    return np.where(is_in, of_size[sizes - 1], -of_size[sizes])


@lru_cache(maxsize=4)
def interaction_weights(
    n_players: int,
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """What the value of each coalition contributes to the interaction of each pair.

    Parameters
    ----------
    n_players : int
        Number of players, at least 2.

    Returns
    -------
    pairs : tuple of two int ndarrays of shape (n_pairs,)
        As :func:`numpy.triu_indices`.
    weights : ndarray of shape (n_pairs, 2 ** n_players)
        Of the Shapley interaction index.
    """
    is_in, sizes = _members(n_players)
    n = n_players - 1
    of_size = np.array([1 / (n * math.comb(n - 1, s)) for s in range(n)] + [0.0, 0.0])
    i, j = np.triu_indices(n_players, 1)
    n_in = is_in[i].astype(int) + is_in[j]
    return (i, j), np.where(n_in == 1, -1.0, 1.0) * of_size[sizes - n_in]


def _members(n_players: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each player is in each coalition, and the sizes of the coalitions."""
    is_in = (np.arange(2**n_players) >> np.arange(n_players)[:, None]) & 1 == 1
    return is_in, is_in.sum(axis=0)


def coalition_values(
    compute: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    background: np.ndarray,
    weight: np.ndarray,
    masks: np.ndarray,
) -> np.ndarray:
    """Values of some coalitions of inputs.

    Parameters
    ----------
    compute : callable
        From inputs of shape (n_inputs, n) to answers of shape (n_answers, n).
    x : ndarray of shape (n_inputs, n_samples)
        Rows to explain.
    background : ndarray of shape (n_inputs, n_background)
        Rows to average over.
    weight : ndarray of shape (n_background,)
        Their weights, which sum to 1.
    masks : bool ndarray of shape (n_coalitions, n_inputs)
        True for the inputs of the players of each coalition.

    Returns
    -------
    ndarray of shape (n_coalitions, n_samples, n_answers)
        Values.
    """
    n, m = x.shape[1], len(weight)
    values: list[list[np.ndarray]] = [[] for _ in masks]
    rows = max(1, _MOST_NUMBERS // (len(x) * m + 1))
    columns = max(1, _MOST_NUMBERS // (len(x) + 1))
    for found, mask in zip(values, masks, strict=True):
        for start in range(0, n, rows):
            part = x[:, start : start + rows]
            total: Any = 0.0
            for first in range(0, m, columns):
                several = slice(first, first + columns)
                shape = len(x), part.shape[1], len(weight[several])
                hybrids = np.empty(shape)
                hybrids[mask] = part[mask][:, :, None]
                hybrids[~mask] = background[~mask][:, None, several]
                answers = compute(hybrids.reshape(len(x), shape[1] * shape[2]))
                total = total + answers.reshape(-1, *shape[1:]) @ weight[several]
            found.append(total.T)
    return np.stack([np.concatenate(found) for found in values])


def permutation_values(
    value_of: Callable[[np.ndarray], np.ndarray],
    n_players: int,
    n_permutations: int,
    rng: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values as means over pairs of a random permutation and its reverse.

    Parameters
    ----------
    value_of : callable
        From masks of coalitions, of shape (n, n_players), to an array of their values,
        of shape (n, ...).
    n_players : int
        Number of players.
    n_permutations : int
        Number of permutations, even.
    rng : RandomState
        Draws them.

    Returns
    -------
    values, std_error : ndarray of shape (n_players, ...)
        Means, and their standard errors over the pairs.

    References
    ----------
    Mitchell, Cooper, Frank, Holmes (2022). Sampling permutations for Shapley value
    estimation. JMLR 23, on antithetic pairs.
    """
    n_pairs = n_permutations // 2
    mean: Any = 0.0
    squares: Any = 0.0
    for k in range(n_pairs):
        order = rng.permutation(n_players)
        gains = [_gains(value_of, each) for each in (order, order[::-1])]
        gain = (gains[0] + gains[1]) / 2
        apart = gain - mean  # Welford (1962)
        mean = mean + apart / (k + 1)
        squares = squares + apart * (gain - mean)
    return mean, np.sqrt(squares / (n_pairs * max(n_pairs - 1, 1)))


def _gains(
    value_of: Callable[[np.ndarray], np.ndarray], order: np.ndarray
) -> np.ndarray:
    """What each player adds to those before it."""
    masks = np.zeros((len(order) + 1, len(order)), dtype=bool)
    for k, player in enumerate(order):
        masks[k + 1 :, player] = True
    steps = np.diff(value_of(masks), axis=0)
    gains = np.empty_like(steps)
    gains[order] = steps
    return gains
