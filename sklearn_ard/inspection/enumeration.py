"""All coalitions of a few players at once, by the structure of a small network.

Input: a model, and inputs of rows and of a background. Output: the value of every
coalition. A unit of the first layer that reads three players has 8 values over all
coalitions of a row and a background row, however many players there are: these are
computed once. What follows goes through the coalitions as a tree, in which a unit is
added where its last player is decided.
"""

import numpy as np
import scipy.sparse as sp

from sklearn_ard.inference.operations import Activation, Dense, Sum, run

_NODE = 40_000  # numbers of a node of the tree, which stay in the cache
_TABLE = 1_000_000  # numbers of the values of all units
_LEAST_PAIRS = 8  # of a row and a background row, at a time


def all_values(explained, x, background, weight):
    """Values of all coalitions.

    Parameters
    ----------
    explained : Explained
        The model.
    x : ndarray of shape (n_inputs, n_samples)
        Rows to explain.
    background : ndarray of shape (n_inputs, n_background)
        Rows to average over.
    weight : ndarray of shape (n_background,)
        Their weights, which sum to 1.

    Returns
    -------
    ndarray of shape (n_answers, 2 ** n_players, n_samples)
        Player j is in coalition c if bit j of c is set.
    """
    n_players = explained.n_players
    chains = list(_chains(explained.operations, explained.of_input, n_players, None))
    if explained.linear is None:
        groups = [(chains, explained.answers)]
    else:
        groups = [([chain], None) for chain in chains]
    total = np.reshape(explained.offset, (-1, 1, 1))
    for members, answers in groups:
        order = _order_of_players(members, n_players)
        found = _values_of(members, answers, order, x, background, weight)
        if answers is None:
            found = np.tensordot(explained.linear, found, 1)
        total = total + _in_natural_order(found, order)
    return total


def _chains(operations, of_input, n_players, inputs):
    """The chains of operations whose outputs a network adds."""
    if len(operations) == 1 and type(operations[0]) is Sum:
        for indices, branch in operations[0].branches:
            own = inputs if indices is None else indices
            if indices is not None and inputs is not None:
                own = inputs[indices]
            yield from _chains(branch, of_input, n_players, own)
        return
    read = of_input if inputs is None else of_input[inputs]
    kinds = tuple(map(type, operations))
    if kinds == (Dense,):
        chain = _Additive(operations, read, n_players)
    elif kinds[:3] == (Dense, Activation, Dense):
        chain = _Tree(operations, read, n_players)
    else:
        chain = _Opaque(operations, read, n_players)
    chain.inputs = slice(None) if inputs is None else inputs
    yield chain


def _order_of_players(chains, n_players):
    """Players in the order in which they are decided: last those of the fewest units.

    Units are added as late as their last player, and late nodes of a tree are many.
    """
    parts = [chain.reads for chain in chains if chain.reads is not None]
    reads = np.concatenate([np.zeros((0, n_players), dtype=bool), *parts])
    order, left = [], list(range(n_players))
    while left:
        last = min(left, key=lambda j: (reads[:, j].sum(), -j))
        order.insert(0, last)
        left.remove(last)
        reads = reads[~reads[:, last]]
    return np.array(order, dtype=int)


def _in_natural_order(values, order):
    """Values by coalitions whose bits are players, from bits in another order."""
    index = np.arange(2 ** len(order))
    natural = sum(((index >> p) & 1) << j for p, j in enumerate(order))
    found = np.empty_like(values)
    found[:, natural] = values
    return found


def _values_of(chains, answers, order, x, background, weight):
    """Values of the sum of chains, of shape (n_answers, 2 ** n_players, n_samples).

    With `answers`, means over the background of what it makes of the sum.
    """
    k, n, m = len(order), x.shape[1], len(weight)
    size = max(chain.arrange(order) for chain in chains)
    n_pairs = max(_LEAST_PAIRS, _TABLE // size)
    columns = min(m, n_pairs)
    rows = min(n, max(1, n_pairs // columns))
    width = max(chain.width for chain in chains)
    inner = int(np.log2(np.clip(_NODE // (width * rows * columns), 1, 2**k)))
    for chain in chains:
        chain.prepare(inner)
    total = None
    for first in range(0, m, columns):
        several = slice(first, first + columns)
        b, w = background[:, several], weight[several]
        for start in range(0, n, rows):
            part = x[:, start : start + rows]
            walks = [chain.walk(part, b, w, answers is None) for chain in chains]
            for node, *outputs in zip(_nodes(k - inner), *walks, strict=True):
                found = outputs[0]
                if answers is not None:
                    found = sum(outputs[1:], start=found)
                    shape = found.shape
                    found = answers(found.reshape(len(found), -1))
                    found = found.reshape(-1, *shape[1:]) @ w
                if total is None:
                    total = np.zeros((len(found), 2**k, n))
                coalitions = slice(node << inner, (node + 1) << inner)
                total[:, coalitions, start : start + rows] += found
    return total


def _nodes(n_players):
    """All coalitions of the outer players, in the order of a walk: depth first."""
    nodes = [0]
    for p in range(n_players):
        nodes = [node | bit << p for node in nodes for bit in (0, 1)]
    return nodes


def _subset_sums(parts):
    """Sums over all subsets of some arrays: bit j of the first index has part j."""
    sums = np.zeros((1, *parts[0].shape))
    for part in parts:
        sums = np.concatenate([sums, sums + part])
    return sums


class _Chain:
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

    reads, width = None, 1

    def __init__(self, operations, of_input, n_players):
        self.operations, self.of_input = operations, of_input
        self.n_players = n_players

    def arrange(self, order):
        """Set the order of the players; return numbers of each pair in all tables."""
        self.order = order
        return 1

    def prepare(self, inner):
        """Set the number of players whose coalitions a walk yields together."""
        self.inner = inner

    def walk(self, x, background, weight, is_linear):
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

    def contributions(self, weights, x):
        """What each player of each row adds to each unit: (n_players, n_units, n)."""
        x = x[self.inputs]
        parts = [
            weights[:, self.of_input == j] @ x[self.of_input == j] for j in self.order
        ]
        return np.stack(parts) if parts else np.zeros((0, len(weights), x.shape[1]))


class _Opaque(_Chain):
    """Operations of any kind, on the inputs of every hybrid."""

    def arrange(self, order):
        self.order = order
        self.width = len(self.of_input)
        return 2 ** max(0, len(order) - 6) * self.width

    def walk(self, x, background, weight, is_linear):
        inner = self.inner
        x, b = x[self.inputs], background[self.inputs]
        place = np.argsort(self.order)[self.of_input]
        for node in _nodes(self.n_players - inner):
            coalitions = (node << inner) + np.arange(2**inner)
            is_in = ((coalitions >> place[:, None]) & 1 == 1)[:, :, None, None]
            hybrids = np.where(is_in, x[:, None, :, None], b[:, None, None, :])
            outputs = run(self.operations, hybrids.reshape(len(x), -1))
            outputs = outputs.reshape(-1, *hybrids.shape[1:])
            yield outputs @ weight if is_linear else outputs


class _Additive(_Chain):
    """One linear layer: players add what they add, whoever else is there."""

    def walk(self, x, background, weight, is_linear):
        inner = self.inner
        (dense,) = self.operations
        weights = _dense(dense.weight)
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
        for node in _nodes(self.n_players - inner):
            yield np.swapaxes(low + high[node] + start, 0, 1)


class _Tree(_Chain):
    """Dense layers: values of the first, and a tree of what they add to the second."""

    def __init__(self, operations, of_input, n_players):
        super().__init__(operations, of_input, n_players)
        first, self.activation, second, *rest = operations
        self.first, self.second = _dense(first.weight), _dense(second.weight)
        self.first_bias, self.second_bias = (
            0.0 if dense.bias is None else dense.bias.astype(np.float64)
            for dense in (first, second)
        )
        self.last = None
        if rest and type(rest[-1]) is Dense:
            last = rest.pop()
            bias = 0.0 if last.bias is None else last.bias.astype(np.float64)
            self.last, self.last_bias = _dense(last.weight), bias
        self.rest = rest
        self._shift_floors()
        self.width = len(self.second)
        n_units = len(self.first)
        self.reads = np.zeros((n_units, n_players), dtype=bool)
        for j in range(n_players):
            self.reads[:, j] = (self.first[:, of_input == j] != 0).any(axis=1)

    def _shift_floors(self):
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

    def arrange(self, order):
        self.order = order
        players = [np.flatnonzero(row) for row in self.reads[:, order]]
        sizes = 2 ** np.array([len(each) for each in players], dtype=int)
        self.starts = np.append(0, np.cumsum(sizes))
        self.unit_of = np.repeat(np.arange(len(sizes)), sizes)
        self.players = players
        self.buffer = None
        self._sum_members()
        return len(self.unit_of)

    def _sum_members(self):
        """Matrices that sum the contributions of the players in coalitions, and others.

        Each row is a unit and a coalition of the players that it reads, each column a
        player and a unit.
        """
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

    def prepare(self, inner):
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

    def walk(self, x, background, weight, is_linear):
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

    def _tables(self, x, background):
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

    def _leaves(self, tables, share):
        """What the second layer adds up, of shape (n_hidden, 2 ** inner * n_pairs).

        The same array is yielded again and again.
        """
        n = tables.shape[1]
        shape = self.width, 2**self.inner * n
        buffers = [
            (np.empty((low.size, n)), np.empty(shape)) for low, *_ in self.levels
        ]

        def below(level, before, node):
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


def _column(parameter, n):
    """A parameter of an activation as a column, of type float64."""
    return np.broadcast_to(np.reshape(parameter, (-1, 1)), (n, 1)).astype(np.float64)


def _dense(weight):
    """Weights as a dense array of type float64."""
    weight = weight.toarray() if hasattr(weight, "toarray") else weight
    return weight.astype(np.float64)
