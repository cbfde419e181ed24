"""State with which a fitted model predicts, without torch.

`compression` makes it from a trained network; estimators and compact models predict
with it.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_ard._typing import Matrix
from sklearn_ard.data.noise import Noise
from sklearn_ard.data.reader import Reader
from sklearn_ard.data.targets import ClassTargets, NumericTargets
from sklearn_ard.inference.network import Network
from sklearn_ard.inference.posterior import Posterior


@dataclass(frozen=True, kw_only=True)
class State:
    """State with which a fitted model predicts.

    Attributes
    ----------
    reader : Reader
        From tables to numbers and codes.
    network : Network
        From these to outputs.
    posterior : Posterior or None
        Of the weights of this network; None where only torch can run it.
    support : bool ndarray of shape (n_features,)
        True for the columns in use.
    targets : NumericTargets or ClassTargets
        From outputs to answers.
    noise : Noise or None
        Of numeric targets.
    of_column : int ndarray of shape (n_features,) or None
        The block of each column; None where each is one of its own.
    block_names : ndarray of str of shape (n_blocks,) or None
        Names of the blocks, with `of_column`.
    """

    reader: Reader
    network: Network
    posterior: Posterior | None
    support: np.ndarray
    targets: NumericTargets | ClassTargets
    noise: Noise | None
    of_column: np.ndarray | None = None
    block_names: np.ndarray | None = None

    def output_variance(self, X: Matrix, *, selected: bool = False) -> np.ndarray:
        """Variance of the scaled outputs under the posterior of the weights.

        Parameters
        ----------
        X : {ndarray, csr_array} of shape (n_samples, n_features)
            Checked.
        selected : bool, default=False
            Whether X has only the columns that the network reads.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            From draws that are always the same.
        """

        def read(rows: Matrix) -> np.ndarray:
            return self.network.read(rows, "", selected=selected)[0]

        assert self.posterior is not None
        return self.posterior.variance(X, read, self.targets.n_outputs)
