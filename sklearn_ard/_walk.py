"""Models of one data set at many values of reg_factor, each beginning with the last."""

import math
from functools import partial

import numpy as np
from sklearn.utils import check_random_state

from sklearn_ard import _recipe, _stretch
from sklearn_ard._context import torch_state
from sklearn_ard._trained import Trained

HOME = 1.0  # the reg_factor at which inputs are selected first
ANCHOR = 0.1  # the highest one at which a new network is started
# Of a walk that finds its own way:
LOWER_ANCHORS = (0.01, 0.001, 0.0)  # as many as it takes to keep all inputs
SELECTIVE = 0.01  # the lowest anchor whose network is not offered all of them
CEILING = 1e6  # where it ends at the latest
# Lengths of the stretches, in shares of a whole fit:
SELECT_AGAIN = 0.03  # inputs at an anchor, beginning with those at the last one
START = 0.3  # a new network at an anchor
DECADE = 0.25  # reg_factor rises by a factor of 10


class Walk:
    """Models of one data set at many values of `reg_factor`.

    Inputs are selected by the first stages of the recipe, at a `reg_factor` of 1. Then
    a new network on these inputs is started under little regularisation, at an anchor
    of 0.1, and goes up from there: `reg_factor` rises little by little, and the network
    is pruned at every point. For smaller values there are further anchors, one for each
    factor of 10, with inputs that are worth the lower price.

    Going up from a network that fits the data finds better ones than going down, or
    than a fit at each point. Two to five splits each; the walk down is one from a whole
    fit at 1, with a new chance for every pruned weight at every point:

    (TABLE)

    Parameters
    ----------
    model : ARDRegressor or ARDClassifier
        It walks: :meth:`show` gives it the fitted attributes of a point. Changed.
    X, y, sample_weight
        As in `fit`.
    """

    def __init__(self, model, X, y, sample_weight=None):
        self.model = model
        X, targets, weight = model._check_data(
            X, y, sample_weight, reset=True, min_rows=2
        )
        self._random_state = check_random_state(model.random_state)
        self._batches = model._make_training_set(X, targets, weight)
        self._varies = ~model._scaler.constant_
        self._stages = _recipe.plan(model.max_iter, self._batches.n_batches)
        self._epochs = sum(epochs for _, epochs in self._stages)

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
        members = {}
        for reg_factor in np.unique(reg_factors).tolist():
            members.setdefault(anchor_of(reg_factor), []).append(reg_factor)
        points, found = {}, self._select(HOME)
        for anchor in sorted(members, reverse=True):
            found = self._select_again(found, anchor)
            points |= self._ascend(anchor, found.support, members[anchor])
        return dict(sorted(points.items()))

    def from_all_to_none(self, points_per_decade):
        """The models between one that keeps every input and one that keeps none.

        Parameters
        ----------
        points_per_decade : int
            Number of points for each factor of 10 in reg_factor.

        Returns
        -------
        dict of float to Trained
            Ascending.
        """
        points, found, top = {}, self._select(HOME), CEILING
        for anchor in (ANCHOR, *LOWER_ANCHORS):
            support = self._varies
            if anchor >= SELECTIVE:
                found = self._select_again(found, anchor)
                support = found.support
            n_points = (
                round(points_per_decade * math.log10(top / anchor)) if anchor else 1
            )
            ratios = 10 ** (np.arange(n_points) / points_per_decade)
            points |= self._ascend(
                anchor, support, (anchor * ratios).tolist(), until_empty=True
            )
            if np.array_equal(points[anchor].support, self._varies):
                break
            top = anchor
        return dict(sorted(points.items()))

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
        anchor = anchor_of(reg_factor)
        return self._ascend(anchor, support, [reg_factor], choose=False)[reg_factor]

    def show(self, reg_factor, trained):
        """Give the model the fitted attributes of a point, and return it."""
        self.model.reg_factor = reg_factor
        self.model._set_trained(trained)
        return self.model

    def _select(self, reg_factor) -> Trained:
        """Inputs by the first stages of the recipe."""
        first = [(stage, n) for stage, n in self._stages if stage.readmit]
        with self._at(reg_factor):
            trained = self.model._train(self._batches, stages=first or self._stages[:1])
        if trained.interrupted:
            raise KeyboardInterrupt
        return trained

    def _select_again(self, found, anchor) -> Trained:
        """Inputs at an anchor, beginning with those of a higher reg_factor."""
        before = self.model.reg_factor
        if found.support.any():
            found = self._go_on(found, before, anchor, SELECT_AGAIN)
        return found if found.support.any() else self._select(anchor)

    def _ascend(self, anchor, support, reg_factors, *, until_empty=False, choose=True):
        """A new network, and what becomes of it on the way up.

        Parameters
        ----------
        anchor : float
            The reg_factor at which it is started.
        support : bool ndarray of shape (n_features,)
            The columns that it is offered.
        reg_factors : list of float
            The points, ascending.
        until_empty : bool, default=False
            Whether to end at the first point that keeps no column.
        choose : bool, default=True
            Whether columns go and come back on the way.

        Returns
        -------
        dict of float to Trained
            One per point.
        """
        with self._at(anchor):
            trained = _stretch.start(
                support=support, epochs=self._share(START), **self._options(choose)
            )
        points, before = {}, anchor
        for reg_factor in reg_factors:
            if reg_factor > before:
                share = DECADE * math.log10(reg_factor / before)
                trained = self._go_on(trained, before, reg_factor, share, choose)
            points[reg_factor], before = trained, reg_factor
            if until_empty and not trained.support.any():
                break
        return points

    def _go_on(self, trained, before, reg_factor, share, choose=True) -> Trained:
        with self._at(reg_factor):
            return _stretch.go_on(
                trained,
                rise=reg_factor / before,
                epochs=self._share(share),
                **self._options(choose),
            )

    def _options(self, choose):
        """What every stretch of training is told."""
        model = self.model
        return {
            "build": partial(model._build, num_data=model._seen[1]),
            "batches": self._batches,
            "varies": self._varies,
            "resizable": model._is_resizable,
            "learning_rate": model.learning_rate_init,
            "cost": model._cost_in_nats(len(self._varies)) if choose else 0.0,
        }

    def _share(self, share):
        return max(1, round(share * self._epochs))

    def _at(self, reg_factor):
        """Torch's state for training at a reg_factor."""
        model = self.model
        model.reg_factor = reg_factor
        return torch_state(self._random_state, model.device, type(model).__name__)


def anchor_of(reg_factor):
    """Where the network is started that goes up to a reg_factor."""
    if reg_factor == 0:
        return 0.0
    return min(ANCHOR, 10.0 ** math.floor(math.log10(reg_factor) + 1e-9))
