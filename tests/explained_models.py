"""Compact models with given networks, and their Shapley values by brute force."""

import itertools
import math

import numpy as np

from sklearn_ard import CompactRegressor
from sklearn_ard.data.columns import Columns
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.reader import Reader
from sklearn_ard.data.targets import NumericTargets
from sklearn_ard.inference.network import Network
from sklearn_ard.inference.operations import Activation, Dense, Sum, run
from sklearn_ard.inference.state import State


def compact_model(operations, n_columns, likelihood="gaussian", **blocks):
    """A compact regressor of one target that computes some operations."""
    inputs, ones = np.arange(n_columns), np.ones(50)
    targets = NumericTargets(1, True, False, likelihood)
    targets.fit(np.random.default_rng(0).normal(size=(50, 1)), ones)
    fill, encoding = np.zeros(n_columns), Encoding.of_numbers(n_columns)
    network = Network(
        inputs, encoding, fill, None, None, operations, targets.n_outputs, 1000, {}
    )
    model = CompactRegressor()
    model.n_features_in_ = n_columns
    model._fitted = State(
        posterior=None,
        reader=Reader(Columns(n_columns, None, "CompactRegressor"), None),
        network=network,
        support=np.ones(n_columns, dtype=bool),
        targets=targets,
        noise=targets.start_,
        **blocks,
    )
    return model


def rows_of(seed, n_columns, n=3, m=7):
    """A generator, rows, background rows and their weights."""
    rng = np.random.default_rng(seed)
    weight = rng.random(m)
    X, background = rng.normal(size=(n, n_columns)), rng.normal(size=(m, n_columns))
    return rng, X, background, weight / weight.sum()


def random_chain(rng, sizes, activation="relu", density=0.5, dummy=None):
    """Dense layers with random weights, some of them zero."""
    operations = []
    for n_in, n_out in itertools.pairwise(sizes):
        weight = rng.normal(size=(n_out, n_in)) * (rng.random((n_out, n_in)) < density)
        if not operations and dummy is not None:
            weight[:, dummy] = 0
        if operations:
            operations.append(Activation(activation))
        operations.append(Dense(weight, rng.normal(size=n_out)))
    return operations


def with_skip(rng, operations, n_columns):
    """The sum of a chain and of a linear layer."""
    n_outputs = len(operations[-1].bias)
    linear = Dense(rng.normal(size=(n_outputs, n_columns)), np.zeros(n_outputs))
    return [Sum([(None, operations), (None, [linear])])]


def answers_of(model, X):
    """What a model computes in double precision, of shape (n, n_answers)."""
    from sklearn_ard._validation import check_rows

    fitted = model._fitted
    network = fitted.network
    read, selected = check_rows(model, X, fitted.reader, network.columns)
    inputs = network.inputs_of(read, "", selected=selected).astype(float)
    outputs = run(network.operations, inputs).T
    if hasattr(model, "classes_"):
        log_odds = outputs - outputs.mean(axis=1, keepdims=True)
        return log_odds if len(model.classes_) > 2 else np.diff(outputs, axis=1)
    return fitted.targets.predictions(outputs, fitted.noise).reshape(len(outputs), -1)


def brute_force(answer, hybrid, row, background, weight, players, ends=None):
    """Shapley values of a row, as means over all orders of the players.

    Parameters
    ----------
    answer : callable
        From a table to answers of shape (n, n_answers).
    hybrid : callable
        From a background, a row and players, to the background with these players'
        columns of the row.
    row, background : table
        To explain, and to average over.
    weight : ndarray of shape (n_background,)
        Which sum to 1.
    players : list
        Of the game.
    ends : tuple of arrays of shape (n_answers,), default=None
        Values of none and of all players, where these are known better.

    Returns
    -------
    ndarray of shape (n_players, n_answers)
        Values.
    """
    value = {
        frozenset(some): weight @ answer(hybrid(background, row, some))
        for size in range(len(players) + 1)
        for some in itertools.combinations(players, size)
    }
    if ends is not None:
        value[frozenset()], value[frozenset(players)] = ends
    total = dict.fromkeys(players, 0.0)
    for order in itertools.permutations(players):
        for k, player in enumerate(order):
            before = frozenset(order[:k])
            total[player] = total[player] + value[before | {player}] - value[before]
    return np.array([total[p] for p in players]) / math.factorial(len(players))


def own_ends(model, background, weight, rows):
    """Mean prediction of a background, and the predictions of rows."""
    base = weight @ model.predict(background).reshape(len(background), -1)
    return [(base, found) for found in model.predict(rows).reshape(len(rows), -1)]


def of_columns(background, row, players):
    """Hybrids of an array, whose players are columns."""
    hybrids = background.copy()
    hybrids[:, list(players)] = row[list(players)]
    return hybrids
