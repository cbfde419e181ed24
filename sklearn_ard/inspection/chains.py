"""Chains of operations of a network, as functions of coalitions of players.

Input: operations, and inputs of rows and of a background. Output: what they compute for
every coalition and every pair of a row and a background row, a part of the coalitions
at a time.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sklearn_ard._typing import Matrix
from sklearn_ard.inference.operations import run


def nodes_of(n_players: int) -> list[int]:
    """All coalitions of the outer players, in the order of a walk: depth first."""
    nodes = [0]
    for p in range(n_players):
        nodes = [node | bit << p for node in nodes for bit in (0, 1)]
    return nodes


def _subset_sums(parts: np.ndarray) -> np.ndarray:
    """Sums over all subsets of some arrays: bit j of the first index has part j."""
    sums = np.zeros((1, *parts[0].shape))
    for part in parts:
        sums = np.concatenate([sums, sums + part])
    return sums


def as_dense(weight: Matrix) -> np.ndarray:
    """Weights as a dense array of type float64."""
    weight = weight.toarray() if hasattr(weight, "toarray") else weight
    return weight.astype(np.float64)


class Chain:
    """A chain of operations, as a function of players.

    Attributes
    ----------
    reads : bool ndarray of shape (n_units, n_players) or None
        Players that each unit of the first layer reads.
    inputs : int ndarray or slice
        Inputs that it reads.
    width : int
        Numbers of each pair and coalition, at the widest.
    """

    reads: np.ndarray | None = None
    inputs: np.ndarray | slice
    width = 1

    def __init__(self, operations: list[Any], of_input: np.ndarray, n_players: int):
        self.operations, self.of_input = operations, of_input
        self.n_players = n_players

    def arrange(self, order: np.ndarray) -> int:
        """Set the order of the players; return numbers of each pair in all tables."""
        self.order = order
        return 1

    def prepare(self, inner: int) -> None:
        """Set the number of players whose coalitions a walk yields together."""
        self.inner = inner

    def walk(
        self, x: np.ndarray, background: np.ndarray, weight: np.ndarray, is_linear: bool
    ) -> Iterator[np.ndarray]:
        """Go through all coalitions, those of the last players outermost.

        Parameters
        ----------
        x, background : ndarray of shape (n_inputs, n) and (n_inputs, m)
            Rows to explain, and of the background.
        weight : ndarray of shape (m,)
            Of the latter.
        is_linear : bool
            Whether answers are linear in outputs.

        Yields
        ------
        ndarray of shape (n_outputs, 2 ** inner, n) or (n_outputs, 2 ** inner, n, m)
            Sums over the background, if answers are linear; or outputs.
        """
        raise NotImplementedError

    def contributions(self, weights: np.ndarray, x: np.ndarray) -> np.ndarray:
        """What each player of each row adds to each unit: (n_players, n_units, n)."""
        x = x[self.inputs]
        parts = [
            weights[:, self.of_input == j] @ x[self.of_input == j] for j in self.order
        ]
        return np.stack(parts) if parts else np.zeros((0, len(weights), x.shape[1]))


class Opaque(Chain):
    """Operations of any kind, on the inputs of every hybrid."""

    def arrange(self, order: np.ndarray) -> int:
        self.order = order
        self.width = len(self.of_input)
        return 2 ** max(0, len(order) - 6) * self.width

    def walk(
        self, x: np.ndarray, background: np.ndarray, weight: np.ndarray, is_linear: bool
    ) -> Iterator[np.ndarray]:
        inner = self.inner
        x, b = x[self.inputs], background[self.inputs]
        place = np.argsort(self.order)[self.of_input]
        for node in nodes_of(self.n_players - inner):
            coalitions = (node << inner) + np.arange(2**inner)
            is_in = ((coalitions >> place[:, None]) & 1 == 1)[:, :, None, None]
            hybrids = np.where(is_in, x[:, None, :, None], b[:, None, None, :])
            outputs = run(self.operations, hybrids.reshape(len(x), -1))
            outputs = outputs.reshape(-1, *hybrids.shape[1:])
            yield outputs @ weight if is_linear else outputs


class Additive(Chain):
    """One linear layer: players add what they add, whoever else is there."""

    def walk(
        self, x: np.ndarray, background: np.ndarray, weight: np.ndarray, is_linear: bool
    ) -> Iterator[np.ndarray]:
        inner = self.inner
        (dense,) = self.operations
        weights = as_dense(dense.weight)
        of_x = self.contributions(weights, x)
        of_b = self.contributions(weights, background)
        bias = 0.0 if dense.bias is None else dense.bias.astype(np.float64)
        bias = np.broadcast_to(bias, (len(weights), 1))
        if is_linear:
            of_b, bias = of_b @ weight, bias * weight.sum()
            gain = of_x * weight.sum() - of_b[:, :, None]
            start = of_b.sum(axis=0)[:, None] + bias
        else:
            gain = of_x[:, :, :, None] - of_b[:, :, None, :]
            start = of_b.sum(axis=0)[:, None, :] + bias[:, :, None]
        if not len(gain):
            shape = len(start), 1, *gain.shape[2:]
            yield np.broadcast_to(start[:, None], shape)
            return
        low = _subset_sums(gain[:inner]) if inner else 0 * gain[:1]
        high = _subset_sums(gain[inner:]) if inner < len(gain) else 0 * gain[:1]
        for node in nodes_of(self.n_players - inner):
            yield np.swapaxes(low + high[node] + start, 0, 1)
