"""Models of one data set at many values of reg_factor, each trained from the last.

Input: a task. Output: trained networks, one per value.
"""

import math
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from sklearn_ard.nn import KLWarmup
from sklearn_ard.training import recipe
from sklearn_ard.training.callbacks import Schedule
from sklearn_ard.training.inputs import offered, readmitted
from sklearn_ard.training.recipe import Stage
from sklearn_ard.training.rounds import DECAY_FROM, continue_at, pruned, train_round
from sklearn_ard.training.start import new_network
from sklearn_ard.training.task import Task
from sklearn_ard.training.trained import Trained, with_objective, with_relevance

START = 1.0  # reg_factor of a whole fit, with which a walk starts
DECADES = (0.1, 0.01, 0.0)  # lower ends, for a walk that chooses its points
ALL_COLUMNS = 0.01  # up to here such a walk starts new networks on all columns
LARGEST = 1e6  # upper limit of such a walk
# Lengths of trainings, in shares of a whole fit:
DOWN = 0.1  # a factor of 10 down
UP = 0.25  # a factor of 10 up
NEW_NETWORK = 0.3


class Walk:
    """Models of one data set at many values of `reg_factor`.

    A walk starts with a whole fit at a `reg_factor` of 1. Above 1, training continues
    while `reg_factor` rises gradually, and the network is pruned at every point. Below
    1, training continues with all pruned weights active again, and columns that are
    worth the lower price are readmitted; for each factor of 10, a new network on these
    columns is started at the lower end and continued upwards. Of the two networks at a
    point the one with the better objective (NLL + reg_factor · KL + price of the
    columns) is kept: on data with little noise mostly the one from below, which is not
    restricted by what was pruned at 1; with much noise the other, which has not fitted
    the noise.

    Experiments with alternatives are in ``examples/benchmarks/NOTES.md``.

    Parameters
    ----------
    task : Task
        What to train; its `reg_factor` is not used.
    """

    def __init__(self, task: Task):
        self.task = task
        self._stages = recipe.plan(task.max_iter, task.batches.n_batches)
        self._n_epochs = sum(epochs for _, epochs in self._stages)

    def over(self, reg_factors: ArrayLike) -> dict[float, Trained]:
        """The models at some values of reg_factor.

        Parameters
        ----------
        reg_factors : array-like of float
            In any order.

        Returns
        -------
        dict of float to Trained
            One per distinct value, ascending.
        """
        values = np.unique(reg_factors).tolist()
        trained, before = self._fit(START), START
        points = self._climb(trained, START, [r for r in values if r >= START])
        below: dict[float, list[float]] = {}
        for reg_factor in values:
            if reg_factor < START:
                below.setdefault(lower_end(reg_factor), []).append(reg_factor)
        for lowest in sorted(below, reverse=True):
            trained, more = self._decade(trained, before, lowest, below[lowest])
            points, before = points | more, lowest
        return self._with_relevance(points)

    def from_all_to_none(self, points_per_decade: int) -> dict[float, Trained]:
        """The models between one that keeps every column and one that keeps none.

        Parameters
        ----------
        points_per_decade : int
            Number of points for each factor of 10 in reg_factor.

        Returns
        -------
        dict of float to Trained
            Ascending.
        """
        trained, before = self._fit(START), START
        ratios = 10 ** (np.arange(points_per_decade) / points_per_decade)
        decades = 10.0 ** np.arange(math.log10(LARGEST / START))
        above = np.outer(START * decades, ratios).ravel().tolist()
        points = self._climb(trained, START, above, until_empty=True)
        for lowest in DECADES:
            values = (lowest * ratios).tolist() if lowest else [0.0]
            trained, more = self._decade(
                trained, before, lowest, values, offer_all=lowest <= ALL_COLUMNS
            )
            points, before = points | more, lowest
            if self._keeps_all(points[lowest]):
                break
        return self._with_relevance(points)

    def cut(self, reg_factor: float, trained: Trained, n_features: int) -> Trained:
        """A model at the same reg_factor that reads the most relevant columns alone.

        Parameters
        ----------
        reg_factor : float
            A point of the walk.
        trained : Trained
            The model at this point.
        n_features : int
            Number of columns to keep, fewer than the model has; where blocks have
            several columns, at most that number.

        Returns
        -------
        Trained
            A new model.
        """
        blocks = self.task.blocks
        kept = blocks.having(trained.support) | blocks.required
        assert trained.relevance is not None
        rank = np.where(blocks.required, np.inf, trained.relevance)
        order = np.argsort(-rank, kind="stable")
        order = order[kept[order]]
        sizes, chosen = np.bincount(blocks.of_column), np.zeros(len(blocks), dtype=bool)
        for block in order.tolist():
            if sizes[block] + sizes[chosen].sum() <= n_features:
                chosen[block] = True
        if not chosen.any():
            raise ValueError(
                f"No group of at most {n_features} columns is worth its price, but "
                "larger ones are. Raise 'n_features_to_select'."
            )
        support = chosen[blocks.of_input] & self.task.varies
        return self.on_inputs(reg_factor, trained, support)

    def on_inputs(
        self, reg_factor: float, trained: Trained, support: np.ndarray
    ) -> Trained:
        """A new network on some inputs, about as wide as another one.

        Parameters
        ----------
        reg_factor : float
            Value to train for.
        trained : Trained
            The other one.
        support : bool ndarray of shape (n_inputs,)
            True for the inputs.

        Returns
        -------
        Trained
            With its objective and relevance.
        """
        lowest, there = lower_end(reg_factor), [reg_factor]
        points = self._start(lowest, support, trained, there, choose=False)
        return self._with_relevance(points)[reg_factor]

    def _fit(
        self, reg_factor: float, stages: list[tuple[Stage, int]] | None = None
    ) -> Trained:
        """A whole fit, or some of its stages."""
        task = self.task.at(reg_factor)
        return _uninterrupted(recipe.train(task, stages or self._stages))

    def _decade(
        self,
        trained: Trained,
        before: float,
        lowest: float,
        reg_factors: list[float],
        *,
        offer_all: bool = False,
    ) -> tuple[Trained, dict[float, Trained]]:
        """The points of a factor of 10 in reg_factor, from above and from below.

        Parameters
        ----------
        trained : Trained
            The last network of the way down.
        before : float
            Its reg_factor.
        lowest : float
            The lower end, where a new network is started.
        reg_factors : list of float
            The points, ascending.
        offer_all : bool, default=False
            Whether the new network reads all inputs, or those of the way down.

        Returns
        -------
        trained : Trained
            The network of the way down at the lower end.
        points : dict of float to Trained
            The better one of two for each point.
        """
        from_above = {}
        for reg_factor in sorted({lowest, *reg_factors}, reverse=True):
            decades = math.log10(before / reg_factor) if reg_factor > 0 else 1.0
            trained = self._continue(trained, before, reg_factor, DOWN * decades)
            from_above[reg_factor], before = trained, reg_factor
        if not trained.support.any():
            first = [stage for stage in self._stages if stage[0].readmit]
            trained = self._fit(lowest, first or self._stages)
        support = self.task.opened(trained.support)
        if offer_all:
            support = offered(self.task)
        from_below = self._start(lowest, support, trained, reg_factors)
        return trained, {
            r: min(from_above[r], from_below[r], key=partial(self._objective, r))
            for r in reg_factors
        }

    def _objective(self, reg_factor: float, trained: Trained) -> float:
        """What training minimises, in nats: less is better."""
        used = self.task.blocks.having(trained.support)
        price = self.task.at(reg_factor).prices_of(used.sum())[used].sum()
        assert trained.kl is not None and trained.elbo is not None
        return (reg_factor - 1) * trained.kl - trained.elbo + price

    def _keeps_all(self, trained: Trained) -> bool:
        """Whether all blocks that vary are in use."""
        having = self.task.blocks.having
        return np.array_equal(having(trained.support), having(self.task.varies))

    def _start(
        self,
        lowest: float,
        support: np.ndarray,
        before: Trained,
        reg_factors: list[float],
        *,
        choose: bool = True,
    ) -> dict[float, Trained]:
        """Train a new network on some inputs, and continue it upwards.

        Parameters
        ----------
        lowest : float
            The reg_factor at which it is started.
        support : bool ndarray of shape (n_inputs,)
            The inputs.
        before : Trained
            A network that determines the width of the new one.
        reg_factors : list of float
            The points, ascending.
        choose : bool, default=True
            Whether blocks may be dropped and readmitted.

        Returns
        -------
        dict of float to Trained
            One per point.
        """
        task = self._task(lowest, choose)
        trained = new_network(task, support, before=before)
        if support.any():
            warmup = KLWarmup()
            schedule = Schedule(task.learning_rate, warmup, DECAY_FROM)
            epochs = self._share(NEW_NETWORK)
            trained = train_round(task, trained, epochs, schedule, weigh=True)
        else:
            trained = pruned(task, trained)
        trained = with_objective(task, _uninterrupted(trained))
        return self._climb(trained, lowest, reg_factors, choose=choose)

    def _climb(
        self,
        trained: Trained,
        before: float,
        reg_factors: list[float],
        *,
        until_empty: bool = False,
        choose: bool = True,
    ) -> dict[float, Trained]:
        """Continue a network upwards; one network per point."""
        points = {}
        for reg_factor in reg_factors:
            if reg_factor > before:
                share = UP * math.log10(reg_factor / before)
                trained = self._continue(trained, before, reg_factor, share, choose)
            points[reg_factor], before = trained, reg_factor
            if until_empty and not trained.support.any():
                break
        return points

    def _continue(
        self,
        trained: Trained,
        before: float,
        reg_factor: float,
        share: float,
        choose: bool = True,
    ) -> Trained:
        """Continue training at another reg_factor; residuals may readmit columns."""
        task, rise = self._task(reg_factor, choose), reg_factor / before
        back = task.varies & ~trained.support
        if task.has_prices:
            back &= readmitted(task, trained)
        elif rise >= 1:
            back[:] = False
        if not (trained.support | back).any():
            return trained
        epochs = self._share(share)
        trained = continue_at(task, trained, epochs, rise=rise, back=back)
        return with_objective(task, _uninterrupted(trained))

    def _task(self, reg_factor: float, choose: bool) -> Task:
        """The task at a reg_factor; without `choose`, no block is dropped by price."""
        task = self.task.at(reg_factor)
        return task if choose else task.without_prices()

    def _with_relevance(self, points: dict[float, Trained]) -> dict[float, Trained]:
        """The points in ascending order, with the relevance of their blocks."""
        return {
            reg_factor: with_relevance(self.task.at(reg_factor), trained)
            for reg_factor, trained in sorted(points.items())
        }

    def _share(self, share: float) -> int:
        """A share of a whole fit in epochs."""
        return max(1, round(share * self._n_epochs))


def _uninterrupted(trained: Trained) -> Trained:
    """The network; raise KeyboardInterrupt if Ctrl-C ended its training."""
    if trained.interrupted:
        raise KeyboardInterrupt
    return trained


def lower_end(reg_factor: float) -> float:
    """The reg_factor from which the upward training to a point starts."""
    if reg_factor == 0:
        return 0.0
    return min(DECADES[0], 10.0 ** math.floor(math.log10(reg_factor) + 1e-9))
