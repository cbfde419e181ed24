"""Models of one data set at many values of reg_factor, each beginning with the last.

In comes a task; out come trained networks, one per value.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np

from sklearn_ard.nn import KLWarmup
from sklearn_ard.training import recipe
from sklearn_ard.training.callbacks import Schedule
from sklearn_ard.training.inputs import readmitted
from sklearn_ard.training.rounds import DECAY_FROM, continue_at, pruned, train_round
from sklearn_ard.training.start import new_network
from sklearn_ard.training.trained import Trained, with_objective, with_relevance

START = 1.0  # the reg_factor of a whole fit, where a walk begins
DECADES = (0.1, 0.01, 0.0)  # of a walk that finds its own way, by their lower ends
ALL_COLUMNS = 0.01  # from here down such a walk offers all columns to a new network
LARGEST = 1e6  # where such a walk ends at the latest
# Lengths of trainings, in shares of a whole fit:
DOWN = 0.1  # a factor of 10 down
UP = 0.25  # a factor of 10 up
NEW_NETWORK = 0.3


class Walk:
    """Models of one data set at many values of `reg_factor`.

    A walk begins with a whole fit at a `reg_factor` of 1. Up from there the network is
    trained on while `reg_factor` rises little by little, and is pruned at every point.
    Down from there it is trained on with a new chance for every pruned weight, and
    columns come back that are worth the lower price; for each factor of 10 a new
    network on these columns is started at the lower end and goes up again. Of the two
    networks at a point the one with the better objective (NLL + reg_factor · KL + price
    of the columns) is taken: on data with little noise mostly the one from below, which
    is not held by what was pruned at 1; with much noise the other, which has not fitted
    any.

    What else was tried is in ``examples/benchmarks/README.md``.

    Parameters
    ----------
    task : Task
        What to train; its `reg_factor` does not count.
    """

    def __init__(self, task):
        self.task = task
        self._stages = recipe.plan(task.max_iter, task.batches.n_batches)
        self._n_epochs = sum(epochs for _, epochs in self._stages)

    def over(self, reg_factors):
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
        found, before = self._fit(START), START
        points = self._climb(found, START, [r for r in values if r >= START])
        below = {}
        for reg_factor in values:
            if reg_factor < START:
                below.setdefault(lower_end(reg_factor), []).append(reg_factor)
        for lowest in sorted(below, reverse=True):
            found, more = self._decade(found, before, lowest, below[lowest])
            points, before = points | more, lowest
        return self._weighed(points)

    def from_all_to_none(self, points_per_decade):
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
        found, before = self._fit(START), START
        ratios = 10 ** (np.arange(points_per_decade) / points_per_decade)
        decades = 10.0 ** np.arange(math.log10(LARGEST / START))
        above = np.outer(START * decades, ratios).ravel().tolist()
        points = self._climb(found, START, above, until_empty=True)
        for lowest in DECADES:
            values = (lowest * ratios).tolist() if lowest else [0.0]
            found, more = self._decade(
                found, before, lowest, values, offer_all=lowest <= ALL_COLUMNS
            )
            points, before = points | more, lowest
            if np.array_equal(points[lowest].support, self.task.varies):
                break
        return self._weighed(points)

    def cut(self, reg_factor, trained, n_features) -> Trained:
        """A model at the same reg_factor that reads the most relevant columns alone.

        Parameters
        ----------
        reg_factor : float
            Where the walk has been.
        trained : Trained
            What it found there.
        n_features : int
            How many columns, fewer than there.

        Returns
        -------
        Trained
            A new model.
        """
        order = np.argsort(-trained.relevance, kind="stable")
        order = order[trained.support[order]][:n_features]
        support = np.zeros_like(trained.support)
        support[order] = True
        return self.on_columns(reg_factor, trained, support)

    def on_columns(self, reg_factor, trained, support):
        """A new network on some columns, about as wide as another one.

        Parameters
        ----------
        reg_factor : float
            What it is trained for.
        trained : Trained
            The other one.
        support : bool ndarray of shape (n_features,)
            True for the columns.

        Returns
        -------
        Trained
            With its objective and relevance.
        """
        lowest, there = lower_end(reg_factor), [reg_factor]
        points = self._start(lowest, support, trained, there, choose=False)
        return self._weighed(points)[reg_factor]

    def _fit(self, reg_factor, stages=None) -> Trained:
        """The recipe, or some stages of it."""
        task = self.task.at(reg_factor)
        return _uninterrupted(recipe.train(task, stages or self._stages))

    def _decade(self, found, before, lowest, reg_factors, *, offer_all=False):
        """The points of a factor of 10 in reg_factor, from above and from below.

        Parameters
        ----------
        found : Trained
            The last network of the way down.
        before : float
            Its reg_factor.
        lowest : float
            Where a new network is started: the lower end.
        reg_factors : list of float
            The points, ascending.
        offer_all : bool, default=False
            Whether the new network gets all columns, or those of the way down.

        Returns
        -------
        found : Trained
            The way down at the lower end.
        points : dict of float to Trained
            The better one of two for each point.
        """
        from_above = {}
        for reg_factor in sorted({lowest, *reg_factors}, reverse=True):
            decades = math.log10(before / reg_factor) if reg_factor > 0 else 1.0
            found = self._go_on(found, before, reg_factor, DOWN * decades)
            from_above[reg_factor], before = found, reg_factor
        if not found.support.any():
            first = [stage for stage in self._stages if stage[0].readmit]
            found = self._fit(lowest, first or self._stages)
        support = self.task.varies if offer_all else found.support
        from_below = self._start(lowest, support, found, reg_factors)
        return found, {
            r: min(from_above[r], from_below[r], key=partial(self._objective, r))
            for r in reg_factors
        }

    def _objective(self, reg_factor, trained):
        """What training minimises, in nats: less is better."""
        price = self.task.at(reg_factor).price * trained.support.sum()
        return (reg_factor - 1) * trained.kl - trained.elbo + price

    def _start(self, lowest, support, before, reg_factors, *, choose=True):
        """A new network on some columns, and what becomes of it on the way up.

        Parameters
        ----------
        lowest : float
            The reg_factor at which it is started.
        support : bool ndarray of shape (n_features,)
            The columns.
        before : Trained
            A network that says how wide the new one needs to be.
        reg_factors : list of float
            The points, ascending.
        choose : bool, default=True
            Whether columns go and come back on the way.

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
            trained = train_round(task, trained, epochs, schedule, price=task.price)
        else:
            trained = pruned(task, trained)
        trained = with_objective(task, _uninterrupted(trained))
        return self._climb(trained, lowest, reg_factors, choose=choose)

    def _climb(self, trained, before, reg_factors, *, until_empty=False, choose=True):
        """What becomes of a network on the way up, at every point."""
        points = {}
        for reg_factor in reg_factors:
            if reg_factor > before:
                share = UP * math.log10(reg_factor / before)
                trained = self._go_on(trained, before, reg_factor, share, choose)
            points[reg_factor], before = trained, reg_factor
            if until_empty and not trained.support.any():
                break
        return points

    def _go_on(self, trained, before, reg_factor, share, choose=True) -> Trained:
        """Train on at another reg_factor; columns come back that residuals ask for."""
        task, rise = self._task(reg_factor, choose), reg_factor / before
        back = task.varies & ~trained.support
        if task.price > 0:
            back &= readmitted(task, trained.net, trained.columns)
        elif rise >= 1:
            back[:] = False
        if not (trained.support | back).any():
            return trained
        epochs = self._share(share)
        trained = continue_at(task, trained, epochs, rise=rise, back=back)
        return with_objective(task, _uninterrupted(trained))

    def _task(self, reg_factor, choose):
        """The task at a reg_factor; columns are dropped only where they may be."""
        task = self.task.at(reg_factor)
        return task if choose else replace(task, feature_cost=0.0)

    def _weighed(self, points):
        """The points in ascending order, with the relevance of their columns."""
        return {
            reg_factor: with_relevance(self.task.at(reg_factor), trained)
            for reg_factor, trained in sorted(points.items())
        }

    def _share(self, share):
        """A share of a whole fit in epochs."""
        return max(1, round(share * self._n_epochs))


def _uninterrupted(trained):
    """What was trained, if Ctrl-C did not end it: a walk has no use for a part."""
    if trained.interrupted:
        raise KeyboardInterrupt
    return trained


def lower_end(reg_factor):
    """Where the network is started that goes up to a reg_factor."""
    if reg_factor == 0:
        return 0.0
    return min(DECADES[0], 10.0 ** math.floor(math.log10(reg_factor) + 1e-9))
