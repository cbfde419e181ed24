"""Variance of a network's outputs under the posterior of its weights, in numpy.

Standardised inputs come in; the variance of every output goes out, without torch. It is
that of :func:`sklearn_ard.nn.output_variance`: in closed form for dense networks with
ReLU, and from other draws for others.
"""

import math
from collections.abc import Callable

import numpy as np
from sklearn.utils import gen_batches

from sklearn_ard._typing import Matrix
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.inference.moments import has_moments, output_moments, steps_of
from sklearn_ard.inference.operations import Operation, drawn, run

N_DRAWS = 100  # networks; the standard error of a standard deviation is 7 % of it
_MAX_NUMBERS = 5_000_000  # of inputs that are drawn for at once


class Posterior:
    """Compact networks with random weights.

    Parameters
    ----------
    scaler : Scaler
        Of the inputs that the compact network of the means reads.
    members : list of list of Operation
        One list for every network of an ensemble; none for a network without inputs.
    n_rows : int
        Rows in a block.
    """

    def __init__(self, scaler: Scaler, members: list[list[Operation]], n_rows: int):
        self.scaler, self.members, self.n_rows = scaler, members, n_rows

    def variance(
        self, X: Matrix, read: Callable[[Matrix], np.ndarray], n_outputs: int
    ) -> np.ndarray:
        """Variance of the outputs for raw rows.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            Checked.
        read : callable
            From rows of X to inputs of shape (n_inputs, n), neither filled nor scaled.
        n_outputs : int
            Number of outputs.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            Around the outputs of the posterior means. In closed form, see
            :mod:`~sklearn_ard.inference.moments`, or from draws that are always the
            same.
        """
        variance = np.zeros((X.shape[0], n_outputs))
        if self.members:
            n_inputs = max(1, len(self.scaler.mean_))  # none: all are constants
            for rows in gen_batches(X.shape[0], max(1, _MAX_NUMBERS // n_inputs)):
                x = self.scaler.transform(read(X[rows]).T).T
                variance[rows] = self._variance(np.ascontiguousarray(x)).T
        return variance

    def draws(self, x: np.ndarray, n_draws: int) -> list[np.ndarray]:
        """Outputs of networks that are drawn, each member of an ensemble in turn.

        Parameters
        ----------
        x : ndarray of shape (n_inputs, n)
            Standardised inputs.
        n_draws : int
            Number of networks.

        Returns
        -------
        list of ndarray of shape (n_outputs, n)
            The same weights for all rows.
        """
        rng, n_members = np.random.default_rng(0), len(self.members)
        return [
            self._run(drawn(self.members[k % n_members], rng), x)
            for k in range(n_draws if n_members else 0)
        ]

    def _variance(self, x: np.ndarray) -> np.ndarray:
        """Mean of the members' variances, and the variance between them."""
        rng, within, centers = np.random.default_rng(0), [], []
        for operations in self.members:
            center = self._run(operations, x)
            if has_moments(operations):
                within.append(self._propagated(operations, x, center))
            else:
                within.append(self._sampled(operations, x, center, rng))
            centers.append(center)
        return np.mean(within, axis=0) + np.var(centers, axis=0, dtype=float)

    def _propagated(
        self, operations: list[Operation], x: np.ndarray, center: np.ndarray
    ) -> np.ndarray:
        """Mean square of a member's outputs around a center, in closed form."""
        chains, total = steps_of(operations), np.empty(center.shape)
        for rows in gen_batches(x.shape[1], self.n_rows):
            mean, variance = output_moments(chains, np.ascontiguousarray(x[:, rows]))
            total[:, rows] = variance + np.square(mean - center[:, rows])
        return total

    def _sampled(
        self,
        operations: list[Operation],
        x: np.ndarray,
        center: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """The same of draws."""
        n_draws, total = math.ceil(N_DRAWS / len(self.members)), np.zeros(center.shape)
        for _ in range(n_draws):
            apart = self._run(drawn(operations, rng), x)
            apart -= center
            total += np.square(apart, out=apart)
        return total / n_draws

    def _run(self, operations: list[Operation], x: np.ndarray) -> np.ndarray:
        """Outputs of shape (n_outputs, n), a block of rows at a time."""
        blocks = gen_batches(x.shape[1], self.n_rows)
        parts = [run(operations, np.ascontiguousarray(x[:, rows])) for rows in blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
