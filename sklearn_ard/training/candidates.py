"""Candidates of what a fit may be, and the choice of one by held-out density.

Input: a task, its training set, and the parameters that leave a choice. Output: the
chosen candidate, and a table of what was compared.

A candidate is trained on four fifths of the rows, for half of the epochs of a fit, and
scored by the log-density of the others. While the simplest and the best are close, they
are scored on further fifths; the best has to be better by more than a standard error.
First comes the noise of targets, then the encoding of numbers. The experiments behind
this are in ``examples/benchmarks/NOTES.md``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sklearn_ard.data.targets import ClassTargets, NumericTargets
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.training.comparison import Comparison
from sklearn_ard.training.task import Task

FLEXIBLE = "skew_t"  # noise: heavy tails or none, skewed or not, uneven or even
FURTHER = ("heteroscedastic", "yeo-johnson")  # noise that says less, or other things
MIN_GAIN = 0.01  # nats per row, by which a transform makes targets more normal
MIN_ROWS_OF_NOISE = 50  # distinct ones, for a choice
BINS = (8, 16, 32, 64, 128)  # of the candidates beside the values alone
FEW_BINS = 16  # more of them have to be better than fewer by a standard error
MIN_ROWS = 200  # distinct ones, for a choice
MAX_INPUTS = 5_000  # of a candidate with bins


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to fit, and how it did.

    Attributes
    ----------
    data : TrainingSet
        With its inputs and targets.
    n_bins : int
        Bins of every number; 0 where inputs are the values alone.
    densities : tuple of ndarray of shape (n_held_out,)
        Log-density of the rows of each fold that was held out, in nats and in units of
        y.
    errors : tuple of ndarray of shape (n_held_out,)
        Their squared errors, in variances of the targets; 0 for classes.
    n_features : int
        Columns that its network kept, on the rows of the first.
    """

    data: TrainingSet
    n_bins: int = 0
    densities: tuple = ()
    errors: tuple = ()
    n_features: int = 0

    @property
    def likelihood(self) -> str:
        """Name of the noise; "categorical" for classes."""
        return self.data.targets.likelihood

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of an estimator that leave no choice."""
        pinned = {"n_bins": self.n_bins, "likelihood": self.likelihood}
        if self.likelihood == ClassTargets.likelihood:
            del pinned["likelihood"]
        return pinned

    def transforms_for_good(self, other: "Candidate") -> bool:
        """Whether targets are not transformed, or are more nearly normal then."""
        targets, others = self.data.targets, other.data.targets
        assert isinstance(targets, NumericTargets)
        assert isinstance(others, NumericTargets)
        gain = others.empty_nll_ - others.log_jacobian_
        gain -= targets.empty_nll_ - targets.log_jacobian_
        return targets.transforms_ is None or gain > MIN_GAIN

    def with_bins(self, n_bins: int) -> "Candidate":
        """The same with numbers that are encoded piecewise linearly, too."""
        data = self.data.with_bins(n_bins) if n_bins else self.data
        return Candidate(data, n_bins)

    def with_likelihood(self, likelihood: str) -> "Candidate":
        """The same with other noise."""
        return Candidate(self.data.with_likelihood(likelihood), self.n_bins)


def choose(
    task: Task, data: TrainingSet, n_bins: int | str = "auto", likelihood: str = "auto"
) -> tuple[Candidate, pd.DataFrame]:
    """The candidate that a fit should be.

    Parameters
    ----------
    task : Task
        On `data`.
    data : TrainingSet
        Its inputs are the values of numbers, and its noise Gaussian.
    n_bins : int or "auto"
        The parameter of an estimator.
    likelihood : str
        The parameter of a regressor.

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
    comparison, chosen = Comparison(task, data), Candidate(data)
    if not isinstance(n_bins, str):
        chosen = chosen.with_bins(n_bins)
    if isinstance(data.targets, NumericTargets):
        if likelihood != "auto":
            chosen = chosen.with_likelihood(likelihood)
        elif comparison.is_possible(MIN_ROWS_OF_NOISE):
            chosen = _best_noise(comparison, chosen)
    if n_bins == "auto" and comparison.is_possible(MIN_ROWS):
        chosen = _best_encoding(comparison, chosen)
    return chosen, comparison.table(chosen)


def _best_noise(comparison: Comparison, simplest: Candidate) -> Candidate:
    """The best of all kinds of noise, whatever the encoding.

    Further ones are asked only where the most flexible is better than the simplest.
    """
    first = comparison.scored(simplest)
    flexible = comparison.scored(simplest.with_likelihood(FLEXIBLE))
    first, flexible = comparison.decided(first, flexible, behind=0.0)
    if not comparison.is_better(flexible, first):
        return first
    others = [simplest.with_likelihood(name) for name in FURTHER]
    others = [each for each in others if each.transforms_for_good(simplest)]
    others = [comparison.scored(each) for each in others]
    best = comparison.densest([first, flexible, *others])
    if best is not flexible:
        first, best = comparison.decided(first, best, behind=0.0)
    return best if comparison.is_better(best, first) else first


def _best_encoding(comparison: Comparison, simplest: Candidate) -> Candidate:
    """The best of the values alone and of more and more bins."""
    others = encodings(simplest)
    other = next(others, None)
    if other is None:
        return simplest
    first = simplest if simplest.densities else comparison.scored(simplest)
    best = latest = comparison.scored(other)
    while best is latest and comparison.is_close(best, first):
        other = next(others, None)
        if other is None:
            break
        latest = comparison.scored(other)
        gain, error = comparison.gain(latest, best)
        if gain > (0.0 if other.n_bins <= FEW_BINS else error):
            best = latest
    first, best = comparison.decided(first, best)
    return best if comparison.is_better(best, first) else first


def encodings(simplest: Candidate) -> Iterator[Candidate]:
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


def report_of(table: pd.DataFrame) -> str:
    """What was chosen, and by how much, in one line."""
    first, chosen = table.iloc[0], table[table.chosen].iloc[0]
    is_number = chosen.likelihood != ClassTargets.likelihood
    name, simple = (
        f"likelihood={each.likelihood!r}, " * is_number + f"n_bins={each.n_bins}"
        for each in (chosen, first)
    )
    others = f"{len(table)} candidates"
    if name == simple:
        return f"{name} was chosen: none of {others} was better by a standard error"
    return (
        f"{name} was chosen of {others}: better than {simple} by {chosen.gain:.3g} "
        f"nats per row, with a standard error of {chosen.std_error:.2g}"
    )
