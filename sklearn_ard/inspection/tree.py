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

_CHUNK = 20_000  # numbers of a table that are made at a time, in the cache


class Tree(Chain):
    """Dense layers: values of the first, and a tree of what they add to the second."""

    first_bias: Any
    second_bias: Any
    last: Any
    last_bias: Any
    buffer: Any
    background: Any
    shape: Any
    reads: np.ndarray

    def __init__(self, operations: list[Any], of_input: np.ndarray, n_players: int):
        super().__init__(operations, of_input, n_players)
        first, self.activation, second, *rest = operations
        self.first, self.second = as_dense(first.weight), as_dense(second.weight)
        self.first_bias, self.second_bias = (
            0.0 if dense.bias is None else dense.bias.astype(np.float64)
            for dense in (first, second)
        )
        self.last, self.last_bias = None, 0.0
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
        self.is_relu = False
        is_relu = [getattr(each, "name", None) == "relu" for each in self.rest]
        if is_relu == [True] and self.last is not None:
            floor = _column(self.rest[0].parameter, len(self.second))
            self.rest = [Activation("relu")]
            self.second_bias = self.second_bias - floor
            self.last_bias = self.last_bias + self.last @ floor
            self.is_relu = True

    def arrange(self, order: np.ndarray) -> int:
        self.order = order
        players = [np.flatnonzero(row) for row in self.reads[:, order]]
        sizes = 2 ** np.array([len(each) for each in players], dtype=int)
        self.starts = np.append(0, np.cumsum(sizes))
        self.unit_of = np.repeat(np.arange(len(sizes)), sizes)
        self.players = players
        self.buffer = self.background = None
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
        parts = [np.where(self.of_input == p, self.first, 0.0) for p in self.order]
        self.parts = sp.vstack([sp.csr_array(part) for part in parts], format="csr")
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
        self.levels, self.shape = [], None
        for level, units in enumerate(groups):
            rows = low[units] + high[units, : 2**level].T[:, :, None]
            rows = rows.reshape(2**level, -1)
            self.levels.append((rows, self.second[:, units].copy()))
        self.inner = inner

    def walk(
        self, x: np.ndarray, background: np.ndarray, weight: np.ndarray, is_linear: bool
    ) -> Iterator[np.ndarray]:
        n, m = x.shape[1], len(weight)
        tables, share = self._tables(x, background), 1.0
        if is_linear and not self.rest:  # means of sums are sums of means
            tables = (tables.reshape(-1, m) @ weight).reshape(-1, n)
            weight, share, m = np.ones(1), weight.sum(), 1
        shape = -1, 2**self.inner, n
        bias = np.reshape(self.last_bias, (-1, 1, 1))
        mean_bias = bias * (share * weight.sum())

        def mean(hidden: np.ndarray) -> np.ndarray:
            """Over the background, of the last layer without its bias."""
            return (self._last_of(hidden).reshape(-1, m) @ weight).reshape(shape)

        is_short = is_linear and self.is_relu
        for added, floor, of_floor in self._leaves(tables, share, is_short and mean):
            if is_short:  # max(a - floor, 0) is max(a, floor) - floor: a pass less
                np.maximum(added, floor, out=added)
                yield mean(added) - of_floor + mean_bias
                continue
            added -= floor
            hidden = run(self.rest, added)
            if is_linear:
                yield mean(hidden) + mean_bias
            else:
                yield self._last_of(hidden).reshape(*shape, m) + bias[..., None]

    def _last_of(self, hidden: np.ndarray) -> np.ndarray:
        """The last layer without its bias, where there is one."""
        return hidden if self.last is None else self.last @ hidden

    def _sums(self, players: Any, x: np.ndarray) -> np.ndarray:
        """What some players of every unit and coalition add to its input."""
        return players @ (self.parts @ x[self.inputs])

    def _tables(self, x: np.ndarray, background: np.ndarray) -> np.ndarray:
        """Values of every unit for every coalition of its players, and every pair."""
        if self.background is not background:  # that of many blocks of rows
            self.background = background
            self.of_b = self._sums(self.others, background)
            if np.ndim(self.first_bias):
                self.of_b += self.first_bias[self.unit_of]
        of_x, of_b = self._sums(self.members, x), self.of_b
        shape = len(of_x), x.shape[1], background.shape[1]
        if self.buffer is None or self.buffer.shape != shape:
            self.buffer = np.empty(shape)  # again and again: new memory is slow
        name, parameter = self.activation.name, self.activation.parameter
        if np.size(parameter) > 1:
            parameter = parameter.reshape(-1, 1, 1)[self.unit_of]
        at_once = max(1, _CHUNK // (shape[1] * shape[2]))
        for start in range(0, len(of_x), at_once):
            rows = slice(start, start + at_once)
            part = np.add(of_x[rows, :, None], of_b[rows, None], out=self.buffer[rows])
            own = parameter[rows] if np.ndim(parameter) == 3 else parameter
            found = Activation(name, own)(part)
            if found is not part:  # few work in place
                part[:] = found
        return self.buffer.reshape(len(of_x), -1)

    def _leaves(
        self, tables: np.ndarray, share: float, mean: Any
    ) -> Iterator[tuple[Any, ...]]:
        """What the second layer adds up for all coalitions and pairs.

        Parameters
        ----------
        tables : ndarray of shape (n_rows, n)
            Values of units.
        share : float
            Factor of the bias.
        mean : callable or False
            To apply to the floors.

        Yields
        ------
        added, floor : ndarray of shape (n_hidden, 2 ** inner * n)
            What the units of the last level add, and the negative of all others. The
            same arrays are yielded again and again.
        of_floor : ndarray or None
            What `mean` makes of the floor.
        """
        n, last = tables.shape[1], len(self.levels) - 1
        shape = self.width, 2**self.inner * n
        if self.shape != shape:
            self.shape = shape
            self.scratch = [
                (np.empty((rows.shape[1], n)), np.empty(shape))
                for rows, _ in self.levels
            ]

        def below(
            level: int, floor: np.ndarray, of_floor: Any, node: int
        ) -> Iterator[tuple[Any, ...]]:
            """Leaves below a node, whose bits are the outer players decided so far."""
            (rows, weights), (taken, added) = self.levels[level], self.scratch[level]
            if len(taken):
                tables.take(rows[node], axis=0, out=taken, mode="clip")
                np.matmul(weights, taken.reshape(weights.shape[1], -1), out=added)
            else:
                added.fill(0.0)
            if level == last:
                yield added, floor, of_floor
                return
            floor = np.subtract(floor, added, out=added)
            if mean and level == last - 1:
                of_floor = mean(floor)
            for bit in (0, 1):
                yield from below(level + 1, floor, of_floor, node | bit << level)

        start = np.broadcast_to(-np.reshape(self.second_bias * share, (-1, 1)), shape)
        yield from below(0, start, mean(start) if mean else None, 0)


def _column(parameter: np.ndarray, n: int) -> np.ndarray:
    """A parameter of an activation as a column, of type float64."""
    return np.broadcast_to(np.reshape(parameter, (-1, 1)), (n, 1)).astype(np.float64)
