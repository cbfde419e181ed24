"""Dense layers as a function of coalitions of players.

Input: operations, and inputs of rows and of a background. Output: what they compute for
every coalition. A unit of the first layer that reads three players has 8 values over
all coalitions of a row and a background row, however many players there are: these are
computed once. What follows goes through the coalitions as a tree, in which a unit is
added where its last player is decided.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from sklearn_ard.inference.operations import Activation, Dense, run
from sklearn_ard.inspection.chains import Chain, as_dense


class Tree(Chain):
    """Dense layers: values of the first, and a tree of what they add to the second."""

    first_bias: Any
    second_bias: Any
    last: Any
    last_bias: Any
    buffer: Any
    reads: np.ndarray

    def __init__(self, operations: list[Any], of_input: np.ndarray, n_players: int):
        super().__init__(operations, of_input, n_players)
        first, self.activation, second, *rest = operations
        self.first, self.second = as_dense(first.weight), as_dense(second.weight)
        self.first_bias, self.second_bias = (
            0.0 if dense.bias is None else dense.bias.astype(np.float64)
            for dense in (first, second)
        )
        self.last = None
        if rest and type(rest[-1]) is Dense:
            last = rest.pop()
            bias = 0.0 if last.bias is None else last.bias.astype(np.float64)
            self.last, self.last_bias = as_dense(last.weight), bias
        self.rest = rest
        self._shift_floors()
        self.width = len(self.second)
        n_units = len(self.first)
        self.reads = np.zeros((n_units, n_players), dtype=bool)
        for j in range(n_players):
            self.reads[:, j] = (self.first[:, of_input == j] != 0).any(axis=1)

    def _shift_floors(self) -> None:
        """Let ReLUs have a floor of 0, which is faster.

        As max(x, c) is max(x - c, 0) + c, biases take it over.
        """
        if self.activation.name == "relu":
            floor = _column(self.activation.parameter, len(self.first))
            self.activation = Activation("relu")
            self.first_bias = self.first_bias - floor
            self.second_bias = self.second_bias + self.second @ floor
        is_relu = [getattr(each, "name", None) == "relu" for each in self.rest]
        if is_relu == [True] and self.last is not None:
            floor = _column(self.rest[0].parameter, len(self.second))
            self.rest = [Activation("relu")]
            self.second_bias = self.second_bias - floor
            self.last_bias = self.last_bias + self.last @ floor

    def arrange(self, order: np.ndarray) -> int:
        self.order = order
        players = [np.flatnonzero(row) for row in self.reads[:, order]]
        sizes = 2 ** np.array([len(each) for each in players], dtype=int)
        self.starts = np.append(0, np.cumsum(sizes))
        self.unit_of = np.repeat(np.arange(len(sizes)), sizes)
        self.players = players
        self.buffer = None
        self._sum_members()
        return len(self.unit_of)

    def _sum_members(self) -> None:
        """Matrices that sum the contributions of the players in coalitions, and others.

        Each row is a unit and a coalition of the players that it reads, each column a
        player and a unit.
        """
        rows: Any
        columns: Any
        is_in: Any
        n_units, rows, columns, is_in = len(self.players), [], [], []
        for unit, players in enumerate(self.players):
            coalitions = np.arange(2 ** len(players))
            for bit, p in enumerate(players):
                rows.append(self.starts[unit] + coalitions)
                columns.append(np.full(len(coalitions), p * n_units + unit))
                is_in.append((coalitions >> bit) & 1)
        if not rows:
            rows = columns = is_in = [np.zeros(0, dtype=int)]
        rows, columns, is_in = map(np.concatenate, (rows, columns, is_in))
        shape = len(self.unit_of), self.n_players * n_units
        self.members, self.others = (
            sp.csr_array((values.astype(np.float64), (rows, columns)), shape)
            for values in (is_in, 1 - is_in)
        )
        self.members.eliminate_zeros()
        self.others.eliminate_zeros()

    def prepare(self, inner: int) -> None:
        n_outer, n_units = self.n_players - inner, len(self.players)
        coalitions, nodes = np.arange(2**inner), np.arange(2**n_outer)
        low = np.empty((n_units, 2**inner), dtype=np.intp)
        high = np.zeros((n_units, 2**n_outer), dtype=np.intp)
        for unit, players in enumerate(self.players):
            low[unit] = self.starts[unit]
            for bit, p in enumerate(players):
                if p < inner:
                    low[unit] += ((coalitions >> p) & 1) << bit
                else:
                    high[unit] += ((nodes >> (p - inner)) & 1) << bit
        last = np.array([max(p, default=-1) for p in self.players])
        groups = [last < inner, *(last == p for p in range(inner, self.n_players))]
        self.levels = [
            (low[units], high[units].T[:, :, None], self.second[:, units].copy())
            for units in groups
        ]
        self.inner = inner

    def walk(
        self, x: np.ndarray, background: np.ndarray, weight: np.ndarray, is_linear: bool
    ) -> Iterator[np.ndarray]:
        n, m = x.shape[1], len(weight)
        tables, share = self._tables(x, background), 1.0
        is_averaged = is_linear and not self.rest
        if is_averaged:
            tables = (tables.reshape(-1, m) @ weight).reshape(-1, n)
            share = weight.sum()
        for hidden in self._leaves(tables, share):
            if is_averaged:
                means = hidden
            else:
                outputs = run(self.rest, hidden)
                if not is_linear:
                    if self.last is not None:
                        outputs = self.last @ outputs + self.last_bias
                    yield outputs.reshape(-1, 2**self.inner, n, m)
                    continue
                means = outputs.reshape(-1, m) @ weight
                means = means.reshape(len(outputs), -1)
            if self.last is not None:
                means = self.last @ means + self.last_bias * weight.sum()
            yield means.reshape(-1, 2**self.inner, n)

    def _tables(self, x: np.ndarray, background: np.ndarray) -> np.ndarray:
        """Values of every unit for every coalition of its players, and every pair."""
        of_x, of_b = (
            self.contributions(self.first, rows).reshape(-1, rows.shape[1])
            for rows in (x, background)
        )
        of_x, of_b = self.members @ of_x, self.others @ of_b
        if np.ndim(self.first_bias):
            of_b += self.first_bias[self.unit_of]
        shape = len(of_x), x.shape[1], background.shape[1]
        if self.buffer is None or self.buffer.shape != shape:
            self.buffer = np.empty(shape)  # again and again: new memory is slow
        values = np.add(of_x[:, :, None], of_b[:, None, :], out=self.buffer)
        function = self.activation
        if np.size(function.parameter) > 1:
            parameter = function.parameter.reshape(-1, 1)[self.unit_of]
            function = Activation(function.name, parameter)
        return function(values.reshape(len(values), -1))

    def _leaves(self, tables: np.ndarray, share: float) -> Iterator[np.ndarray]:
        """What the second layer adds up, of shape (n_hidden, 2 ** inner * n_pairs).

        The same array is yielded again and again.
        """
        n = tables.shape[1]
        shape = self.width, 2**self.inner * n
        buffers = [
            (np.empty((low.size, n)), np.empty(shape)) for low, *_ in self.levels
        ]

        def below(level: int, before: np.ndarray, node: int) -> Iterator[np.ndarray]:
            """Leaves below a node, whose bits are the outer players decided so far."""
            (low, high, weights), (taken, found) = self.levels[level], buffers[level]
            if len(low):
                rows = (low + high[node]).ravel()
                tables.take(rows, axis=0, out=taken, mode="clip")
                np.matmul(weights, taken.reshape(len(low), -1), out=found)
                found += before
            else:
                found[:] = before
            if level == len(buffers) - 1:
                yield found
                return
            for bit in (0, 1):
                yield from below(level + 1, found, node | bit << level)

        start = np.broadcast_to(np.reshape(self.second_bias * share, (-1, 1)), shape)
        yield from below(0, start, 0)


def _column(parameter: np.ndarray, n: int) -> np.ndarray:
    """A parameter of an activation as a column, of type float64."""
    return np.broadcast_to(np.reshape(parameter, (-1, 1)), (n, 1)).astype(np.float64)
