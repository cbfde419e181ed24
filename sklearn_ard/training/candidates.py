"""Candidates of what a fit may be, and the choice of one by held-out density.

Input: a task, its training set, and the parameters that leave a choice. Output: the
chosen candidate, and a table of what was compared.

A candidate is trained on four fifths of the rows, for a third of the epochs of a fit,
and scored by the log-density of the others. The simplest is chosen, unless another is
better by more than a standard error. The experiments behind this are in
``examples/benchmarks/README.md``.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from sklearn_ard._context import make_generators, threads_for
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.nn.fast.live_network import LiveNetwork
from sklearn_ard.training.build import empty_output, make_likelihood
from sklearn_ard.training.recipe import plan, train

BINS = (8, 16, 32)  # of the candidates beside the values alone
N_TRIED = 2  # of these; the next one only while the last is the best
MIN_ROWS = 200  # distinct ones, for a choice
MAX_INPUTS = 5_000  # of a candidate with bins
COLUMNS = ("n_bins", "n_features", "log_density", "gain", "std_error", "chosen")
_FOLDS = 5  # one of which is held out
_SHARE = 1 / 3  # of the epochs of a fit
_MAX_ROWS = 50_000  # that are compared
_TURN = 1  # of the random generators


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to fit, and how it did.

    Attributes
    ----------
    data : TrainingSet
        With its inputs.
    n_bins : int
        Bins of every number; 0 where inputs are the values alone.
    density : ndarray of shape (n_held_out,) or None
        Log-density of rows that were held out, in nats, for scaled targets; None if it
        was not compared.
    n_features : int
        Columns that its network kept.
    """

    data: TrainingSet
    n_bins: int = 0
    density: np.ndarray | None = None
    n_features: int = 0

    def with_bins(self, n_bins):
        """The same with numbers that are encoded piecewise linearly, too."""
        return replace(self, data=self.data.with_bins(n_bins), n_bins=n_bins)


def choose(task, data, n_bins="auto"):
    """The candidate that a fit should be.

    Parameters
    ----------
    task : Task
        On `data`.
    data : TrainingSet
        Its inputs are the values of numbers.
    n_bins : int or "auto"
        The parameter of an estimator.

    Returns
    -------
    chosen : Candidate
        With its training set.
    table : DataFrame
        See the attribute `candidates_` of an estimator; empty if there was no choice.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    simplest, comparison = Candidate(data), Comparison(task, data)
    if n_bins != "auto":
        chosen = simplest.with_bins(n_bins) if n_bins else simplest
        return chosen, comparison.table([], chosen)
    others = encodings(simplest) if comparison.is_possible else iter(())
    other = next(others, None)
    if other is None:
        return simplest, comparison.table([], simplest)
    tried = [comparison.scored(simplest)]
    chosen = best = tried[0]
    while other is not None and (len(tried) <= N_TRIED or best is tried[-1]):
        tried.append(comparison.scored(other))
        if comparison.gain(tried[-1], best)[0] > 0:
            best = tried[-1]
        other = next(others, None)
    gain, error = comparison.gain(best, chosen)
    if gain > error:
        chosen = best
    return chosen, comparison.table(tried, chosen)


def encodings(simplest):
    """Candidates with more and more bins, as far as these make more inputs."""
    before = simplest
    for n_bins in BINS:
        candidate = simplest.with_bins(n_bins)
        n_inputs = len(candidate.data.encoding)
        if n_inputs == len(before.data.encoding) or n_inputs > MAX_INPUTS:
            return
        yield candidate
        before = candidate


class Comparison:
    """Short trainings on most of the rows, and log-densities of the others.

    Rows are held out by the order in which they are trained on, which depends on their
    content alone: a weight of k stays k copies.

    Parameters
    ----------
    task : Task
        On `data`.
    data : TrainingSet
        Any one of the rows.

    Attributes
    ----------
    is_possible : bool
        Whether there are enough rows and steps.
    """

    def __init__(self, task, data):
        self.task, n_rows = task, len(data.batches)
        rows = np.arange(n_rows)[:: math.ceil(n_rows / _MAX_ROWS)]
        is_held_out = np.arange(len(rows)) % _FOLDS == _FOLDS // 2
        self.train_rows, self.test_rows = rows[~is_held_out], rows[is_held_out]
        weight = data.batches.weight.cpu().double().numpy()
        self.weight = weight[self.test_rows]
        self.train_share = weight[self.train_rows].sum() / weight.sum()
        n_batches = math.ceil(len(self.train_rows) / data.batches.batch_size)
        whole = plan(task.max_iter, n_batches)
        self.is_possible = n_rows >= MIN_ROWS and len(whole) > 1
        n_epochs = max(1, round(_SHARE * sum(epochs for _, epochs in whole)))
        self.stages = plan(n_epochs, n_batches)

    def scored(self, candidate):
        """The same, with the log-density of the rows that are held out."""
        batches = candidate.data.batches
        seed = self.task.generators.cpu.initial_seed()
        task = replace(
            self.task.on(candidate.data),
            batches=batches.take(self.train_rows),
            num_data=self.task.num_data * self.train_share,
            dense_iter=math.ceil(self.task.dense_iter * _SHARE),
            callbacks=(),
            generators=make_generators(seed, self.task.device, _TURN),
        )
        try:
            trained = train(task, self.stages)
        except FloatingPointError:  # it diverged
            nothing = np.full(len(self.test_rows), -np.inf)
            return replace(candidate, density=nothing)
        if trained.interrupted:
            raise KeyboardInterrupt
        return replace(
            candidate,
            density=log_density(task, trained, batches.take(self.test_rows)),
            n_features=int(task.blocks.support(trained.support).sum()),
        )

    def gain(self, candidate, other):
        """Mean difference of log-densities in nats per row, and its standard error."""
        if not np.isfinite(candidate.density).all():
            return -math.inf, 0.0
        if not np.isfinite(other.density).all():
            return math.inf, 0.0
        apart, weight = candidate.density - other.density, self.weight
        mean = np.average(apart, weights=weight)
        variance = np.average((apart - mean) ** 2, weights=weight)
        return mean, math.sqrt(variance / len(apart))

    def table(self, tried, chosen):
        """What was compared, and how far apart it was.

        Parameters
        ----------
        tried : list of Candidate
            Scored, in the order of comparison.
        chosen : Candidate
            One of them.

        Returns
        -------
        DataFrame
            See the attribute `candidates_` of an estimator.
        """
        jacobian = self.task.targets.log_jacobian
        rows = [
            (
                candidate.n_bins,
                candidate.n_features,
                np.average(candidate.density, weights=self.weight) + jacobian,
                *self.gain(candidate, tried[0]),
                candidate is chosen,
            )
            for candidate in tried
        ]
        return pd.DataFrame(rows, columns=COLUMNS)


@torch.no_grad()
def log_density(task, trained, batches):
    """Log-density of every row under the mean of the posterior, for scaled targets.

    Parameters
    ----------
    task : Task
        What was trained.
    trained : Trained
        A network.
    batches : Batches
        The rows.

    Returns
    -------
    ndarray of shape (n_rows,)
        In nats.
    """
    if trained.support.any():
        module, likelihood = trained.net.module_, trained.net.criterion_.likelihood
        live, rows = LiveNetwork(module), torch.arange(len(batches))
        x, _ = batches.select(trained.inputs).rows(rows.to(task.device))
        with threads_for(module):
            output = live.network.eval()(live.rows(x))
    else:
        likelihood = make_likelihood(task.targets).to(task.device)
        output = empty_output(task.targets, len(batches), task.device)
    return -likelihood(output, batches.target).cpu().double().numpy()


def report_of(table):
    """What was chosen, and by how much, in one line."""
    chosen = table[table.chosen].iloc[0]
    others = f"{len(table)} candidates"
    if chosen.n_bins == 0:
        return f"n_bins=0 was chosen: none of {others} was better by a standard error"
    return (
        f"n_bins={chosen.n_bins} was chosen of {others}: better than n_bins=0 by "
        f"{chosen.gain:.3g} nats per row, with a standard error of "
        f"{chosen.std_error:.2g}"
    )
