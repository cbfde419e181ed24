"""All coalitions of a few players at once, by the structure of a small network.

Input: a model, and inputs of rows and of a background. Output: the value of every
coalition. The chains of operations that a network adds are in `chains` and `tree`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sklearn_ard.inference.operations import Activation, Dense, Sum
from sklearn_ard.inspection.chains import Additive, Chain, Opaque, nodes_of
from sklearn_ard.inspection.players import Explained
from sklearn_ard.inspection.tree import Tree

_NODE = 40_000  # numbers of a node of the tree, which stay in the cache
_TABLE = 1_000_000  # numbers of the values of all units
_LEAST_PAIRS = 8  # of a row and a background row, at a time


def all_values(
    explained: Explained, x: np.ndarray, background: np.ndarray, weight: np.ndarray
) -> np.ndarray:
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
    groups: list[tuple[list[Chain], Any]]
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


def _chains(
    operations: list[Any],
    of_input: np.ndarray,
    n_players: int,
    inputs: np.ndarray | None,
) -> Iterator[Chain]:
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
    chain: Chain
    if kinds == (Dense,):
        chain = Additive(operations, read, n_players)
    elif kinds[:3] == (Dense, Activation, Dense):
        chain = Tree(operations, read, n_players)
    else:
        chain = Opaque(operations, read, n_players)
    chain.inputs = slice(None) if inputs is None else inputs
    yield chain


def _order_of_players(chains: list[Chain], n_players: int) -> np.ndarray:
    """Players in the order in which they are decided: last those of the fewest units.

    Units are added as late as their last player, and late nodes of a tree are many.
    """
    parts = [chain.reads for chain in chains if chain.reads is not None]
    reads = np.concatenate([np.zeros((0, n_players), dtype=bool), *parts])
    order: list[int] = []
    left = list(range(n_players))
    while left:
        last = min(left, key=lambda j: (reads[:, j].sum(), -j))
        order.insert(0, last)
        left.remove(last)
        reads = reads[~reads[:, last]]
    return np.array(order, dtype=int)


def _in_natural_order(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Values by coalitions whose bits are players, from bits in another order."""
    index = np.arange(2 ** len(order))
    natural = sum(((index >> p) & 1) << j for p, j in enumerate(order))
    found = np.empty_like(values)
    found[:, natural] = values
    return found


def _values_of(
    chains: list[Chain],
    answers: Callable[[np.ndarray], np.ndarray] | None,
    order: np.ndarray,
    x: np.ndarray,
    background: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
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
    total: Any = None
    for first in range(0, m, columns):
        several = slice(first, first + columns)
        b, w = background[:, several], weight[several]
        for start in range(0, n, rows):
            part = x[:, start : start + rows]
            walks = [chain.walk(part, b, w, answers is None) for chain in chains]
            for node, *outputs in zip(nodes_of(k - inner), *walks, strict=True):
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
