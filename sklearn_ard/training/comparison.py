"""Comparison of candidates of what a fit may be, by rows that are held out.

Input: a task and candidates. Output: the same with log-densities and squared errors of
rows that a short training has not seen, and a table of all that were scored.
"""

import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch

from sklearn_ard._context import make_generators
from sklearn_ard.data.batches import Batches
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.targets import ClassTargets
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.training.build import noise_of
from sklearn_ard.training.recipe import plan, train
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained, outputs_of

COLUMNS = (
    "likelihood n_bins n_features n_rows log_density gain std_error error chosen"
).split()
CLOSE = 1.0  # standard errors behind the simplest; what is further is given up
SURE = 2.0  # standard errors before it; what is less is scored again, or no loss
LARGEST_GAIN = 10.0  # of a row, in nats or variances: an outlier must not decide
_FOLDS = 5  # of the rows, one of which is held out
_HELD_OUT = (2, 0, 4)  # which of them, one after the other
_SHARE = 1 / 2  # of the epochs of a fit
_MAX_ROWS = 50_000  # that are compared
_TURN = 1  # of the random generators

Candidate: TypeAlias = Any  # of sklearn_ard.training.candidates, which imports this


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
    known : dict of (str, int) to Candidate
        What was scored, by likelihood and number of bins.
    """

    def __init__(self, task: Task, data: TrainingSet):
        assert data.y is not None
        self.task, self.y, self.n_rows = task, data.y, len(data.batches)
        self.unit = Scaler().fit(data.y, np.ones(self.n_rows)).scale_
        self.rows = np.arange(self.n_rows)[:: math.ceil(self.n_rows / _MAX_ROWS)]
        self.weight = data.batches.weight.cpu().double().numpy()
        n_train = math.ceil(len(self.rows) * (1 - 1 / _FOLDS))
        n_batches = math.ceil(n_train / data.batches.batch_size)
        whole = plan(task.max_iter, n_batches)
        self.is_long = len(plan(task.max_iter, data.batches.n_batches)) > 1
        n_epochs = max(1, round(_SHARE * sum(epochs for _, epochs in whole)))
        self.stages = plan(n_epochs, n_batches)
        self.known: dict[tuple[str, int], Candidate] = {}

    def is_possible(self, min_rows: int) -> bool:
        """Whether there are enough rows and steps."""
        return self.n_rows >= min_rows and self.is_long

    def held_out(self, fold: int) -> np.ndarray:
        """A mask of the rows that a fold holds out."""
        return np.arange(len(self.rows)) % _FOLDS == _HELD_OUT[fold]

    def scored(self, candidate: Candidate) -> Candidate:
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
            density = np.full(len(test_rows), -np.inf)
            error, n_features = np.full(len(test_rows), np.inf), 0
        else:
            if trained.interrupted:
                raise KeyboardInterrupt
            batches, y = batches.take(test_rows), self.y[test_rows]
            density, error = scores(task, trained, batches, y, self.unit)
            n_features = int(task.blocks.support(trained.support).sum())
        again = replace(
            candidate,
            densities=(*candidate.densities, density),
            errors=(*candidate.errors, error),
            n_features=candidate.n_features if fold else n_features,
        )
        self.known[candidate.likelihood, candidate.n_bins] = again
        return again

    def decided(
        self, first: Candidate, second: Candidate, behind: float = CLOSE
    ) -> tuple[Candidate, Candidate]:
        """Two candidates, scored on more folds while they are close.

        That is while the second is at most `behind` standard errors behind the first.
        """
        while len(first.densities) < len(_HELD_OUT):
            gain, error = self.gain(second, first)
            if gain >= SURE * error or gain < -behind * error:
                break
            first, second = self.scored(first), self.scored(second)
        return first, second

    def densest(self, candidates: list[Candidate]) -> Candidate:
        """The one with the largest log-density, whose predictions are not worse.

        Where the squared error is larger than the smallest one by more than two
        standard errors, a candidate is out: a robust location need not be a mean. Of
        those within a standard error of the largest density, it is the one with the
        fewest columns.
        """
        n_folds = min(len(each.errors) for each in candidates)

        def mean(scores: tuple[np.ndarray, ...]) -> float:
            return self._mean(scores[:n_folds])

        least = min(candidates, key=lambda each: mean(each.errors))
        fair = []
        for each in candidates:
            worse, error = self._apart(each.errors, least.errors)
            if each is least or worse <= SURE * error:
                fair.append(each)
        best = max(fair, key=lambda each: mean(each.densities))
        close = [each for each in fair if self.is_close(each, best)]
        fewest = min(each.n_features for each in close)
        close = [each for each in close if each.n_features == fewest]
        return max(close, key=lambda each: mean(each.densities))

    def gain(self, candidate: Candidate, other: Candidate) -> tuple[float, float]:
        """Mean difference of log-densities in nats per row, and its standard error."""
        return self._apart(candidate.densities, other.densities)

    def _apart(
        self, scores: tuple[np.ndarray, ...], others: tuple[np.ndarray, ...]
    ) -> tuple[float, float]:
        """Mean difference of scores on the folds of both, and its standard error."""
        n_folds = min(len(scores), len(others))
        own, other = (np.concatenate(each[:n_folds]) for each in (scores, others))
        if not np.isfinite(own).all():
            return -math.inf, 0.0
        if not np.isfinite(other).all():
            return math.inf, 0.0
        apart = np.clip(own - other, -LARGEST_GAIN, LARGEST_GAIN)
        weight = self._weight_of(n_folds)
        mean = np.average(apart, weights=weight)
        variance = np.average((apart - mean) ** 2, weights=weight)
        return mean, math.sqrt(variance / len(apart))

    def _mean(self, scores: tuple[np.ndarray, ...]) -> float:
        return np.average(np.concatenate(scores), weights=self._weight_of(len(scores)))

    def is_better(self, candidate: Candidate, other: Candidate) -> bool:
        """Whether a candidate with more inputs is better than one with fewer."""
        gain, error = self.gain(candidate, other)
        return gain > error

    def is_close(self, candidate: Candidate, other: Candidate) -> bool:
        """Whether one with more inputs may still be better than one with fewer."""
        gain, error = self.gain(candidate, other)
        return gain >= -CLOSE * error

    def _weight_of(self, n_folds: int) -> np.ndarray:
        """Weights of the rows that some folds hold out."""
        return np.concatenate(
            [self.weight[self.rows[self.held_out(fold)]] for fold in range(n_folds)]
        )

    def table(self, chosen: Candidate) -> pd.DataFrame:
        """What was compared, and how far apart it was.

        Parameters
        ----------
        chosen : Candidate
            The one that a fit becomes.

        Returns
        -------
        DataFrame
            See the attribute `candidates_` of an estimator.
        """
        rows, key = [], (chosen.likelihood, chosen.n_bins)
        tried = list(self.known.values())
        for candidate in tried:
            gain, error = self.gain(candidate, tried[0])
            row = {
                "likelihood": candidate.likelihood,
                "n_bins": candidate.n_bins,
                "n_features": candidate.n_features,
                "n_rows": sum(map(len, candidate.densities)),
                "log_density": self._mean(candidate.densities),
                "gain": gain,
                "std_error": error,
                "error": self._mean(candidate.errors),
                "chosen": (candidate.likelihood, candidate.n_bins) == key,
            }
            rows.append(row)
        return pd.DataFrame(rows, columns=COLUMNS)


def scores(
    task: Task, trained: Trained, batches: Batches, y: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log-density and squared error of every row under the mean of the posterior.

    Parameters
    ----------
    task : Task
        What was trained.
    trained : Trained
        A network.
    batches : Batches
        The rows.
    y : ndarray of shape (n_rows, n_targets)
        Their targets, as they are.
    unit : ndarray of shape (n_targets,)
        Of their errors.

    Returns
    -------
    log_density : ndarray of shape (n_rows,)
        In nats and in units of y.
    error : ndarray of shape (n_rows,)
        Mean over the targets, in squared units; 0 for classes.
    """
    targets, likelihood = task.targets, trained.net.criterion_.likelihood
    output = outputs_of(trained, targets, batches)
    noise = noise_of(likelihood, targets)
    if noise is None or isinstance(targets, ClassTargets):
        with torch.no_grad():
            density = -likelihood(output, batches.target).cpu().double().numpy()
        return density, np.zeros(len(y))
    outputs = output.cpu().double().numpy()
    if not trained.support.any():
        noise = targets.empty_noise_
    error = (targets.predictions(outputs, noise).reshape(y.shape) - y) / unit
    return targets.log_density(y, outputs, noise), (error**2).mean(axis=1)
