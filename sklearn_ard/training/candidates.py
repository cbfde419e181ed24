"""Candidates of what a fit may be, and the choice of one by held-out density.

Input: a task, its training set, and the parameters that leave a choice. Output: the
chosen candidate, and a table of what was compared.

A candidate is trained on four fifths of the rows, for half of the epochs of a fit, and
scored by the log-density of the others. While the simplest and the best are close, they
are scored on further fifths; the best has to be better by more than a standard error.
The experiments behind this are in ``examples/benchmarks/README.md``.
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

BINS = (8, 16, 32, 64, 128)  # of the candidates beside the values alone
FEW_BINS = 16  # more of them have to be better than fewer by a standard error
MIN_ROWS = 200  # distinct ones, for a choice
MAX_INPUTS = 5_000  # of a candidate with bins
COLUMNS = "n_bins n_features n_rows log_density gain std_error chosen".split()
CLOSE = 1.0  # standard errors behind the simplest; what is further is given up
SURE = 2.0  # standard errors before it; what is less is scored again
_FOLDS = 5  # of the rows, one of which is held out
_HELD_OUT = (2, 0, 4)  # which of them, one after the other
_SHARE = 1 / 2  # of the epochs of a fit
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
    densities : tuple of ndarray of shape (n_held_out,)
        Log-density of the rows of each fold that was held out, in nats, for scaled
        targets.
    n_features : int
        Columns that its network kept, on the rows of the first.
    """

    data: TrainingSet
    n_bins: int = 0
    densities: tuple = ()
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
    simplest, nothing = Candidate(data), pd.DataFrame(columns=COLUMNS)
    if n_bins != "auto":
        return simplest.with_bins(n_bins) if n_bins else simplest, nothing
    comparison = Comparison(task, data)
    others = encodings(simplest) if comparison.is_possible else iter(())
    other = next(others, None)
    if other is None:
        return simplest, nothing
    first, best = comparison.scored(simplest), comparison.scored(other)
    tried = [first, best]
    while best is tried[-1] and comparison.is_close(best, first):
        other = next(others, None)
        if other is None:
            break
        tried.append(comparison.scored(other))
        gain, error = comparison.gain(tried[-1], best)
        if gain > (0.0 if other.n_bins <= FEW_BINS else error):
            best = tried[-1]
    first, best = comparison.decided(first, best)
    tried = [{0: first, best.n_bins: best}.get(each.n_bins, each) for each in tried]
    chosen = best if comparison.is_better(best, first) else first
    return chosen, comparison.table(tried, chosen)


def encodings(simplest):
    """Candidates with more and more bins, as far as these make more inputs."""
    before = simplest
    if len(simplest.data.encoding) > MAX_INPUTS:
        return
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
        self.rows = np.arange(n_rows)[:: math.ceil(n_rows / _MAX_ROWS)]
        self.weight = data.batches.weight.cpu().double().numpy()
        n_train = math.ceil(len(self.rows) * (1 - 1 / _FOLDS))
        n_batches = math.ceil(n_train / data.batches.batch_size)
        whole = plan(task.max_iter, n_batches)
        is_long = len(plan(task.max_iter, data.batches.n_batches)) > 1
        self.is_possible = n_rows >= MIN_ROWS and is_long
        n_epochs = max(1, round(_SHARE * sum(epochs for _, epochs in whole)))
        self.stages = plan(n_epochs, n_batches)

    def held_out(self, fold):
        """A mask of the rows that a fold holds out."""
        return np.arange(len(self.rows)) % _FOLDS == _HELD_OUT[fold]

    def scored(self, candidate):
        """The same, with the log-density of the rows of one more fold."""
        fold, batches = len(candidate.densities), candidate.data.batches
        is_test = self.held_out(fold)
        train_rows, test_rows = self.rows[~is_test], self.rows[is_test]
        seed = self.task.generators.cpu.initial_seed()
        task = replace(
            self.task.on(candidate.data),
            batches=batches.take(train_rows),
            num_data=self.task.num_data
            * (self.weight[train_rows].sum() / self.weight.sum()),
            dense_iter=math.ceil(self.task.dense_iter * _SHARE),
            callbacks=(),
            generators=make_generators(seed, self.task.device, _TURN + fold),
        )
        try:
            trained = train(task, self.stages)
        except FloatingPointError:  # it diverged
            density, n_features = np.full(len(test_rows), -np.inf), 0
        else:
            if trained.interrupted:
                raise KeyboardInterrupt
            density = log_density(task, trained, batches.take(test_rows))
            n_features = int(task.blocks.support(trained.support).sum())
        return replace(
            candidate,
            densities=(*candidate.densities, density),
            n_features=candidate.n_features if fold else n_features,
        )

    def decided(self, first, second):
        """Two candidates, scored on more folds while they are close."""
        while len(first.densities) < len(_HELD_OUT):
            gain, error = self.gain(second, first)
            if gain >= SURE * error or not self.is_close(second, first):
                break
            first, second = self.scored(first), self.scored(second)
        return first, second

    def gain(self, candidate, other):
        """Mean difference of log-densities in nats per row, and its standard error."""
        n_folds = min(len(candidate.densities), len(other.densities))
        density, others = (
            np.concatenate(each.densities[:n_folds]) for each in (candidate, other)
        )
        if not np.isfinite(density).all():
            return -math.inf, 0.0
        if not np.isfinite(others).all():
            return math.inf, 0.0
        apart, weight = density - others, self._weight_of(n_folds)
        mean = np.average(apart, weights=weight)
        variance = np.average((apart - mean) ** 2, weights=weight)
        return mean, math.sqrt(variance / len(apart))

    def is_better(self, candidate, other):
        """Whether a candidate with more inputs is better than one with fewer."""
        gain, error = self.gain(candidate, other)
        return gain > error

    def is_close(self, candidate, other):
        """Whether one with more inputs may still be better than one with fewer."""
        gain, error = self.gain(candidate, other)
        return gain >= -CLOSE * error

    def _weight_of(self, n_folds):
        """Weights of the rows that some folds hold out."""
        return np.concatenate(
            [self.weight[self.rows[self.held_out(fold)]] for fold in range(n_folds)]
        )

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
        rows = []
        for candidate in tried:
            density = np.concatenate(candidate.densities)
            weight = self._weight_of(len(candidate.densities))
            mean = np.average(density, weights=weight)
            rows.append(
                (
                    candidate.n_bins,
                    candidate.n_features,
                    len(density),
                    mean + self.task.targets.log_jacobian,
                    *self.gain(candidate, tried[0]),
                    candidate is chosen,
                )
            )
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
