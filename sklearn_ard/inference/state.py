"""What a fitted model predicts with, without torch.

It comes from training by way of `compression`; estimators and compact models answer
from it.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_ard.data.targets import ClassTargets, NumericTargets
from sklearn_ard.inference.network import Network


@dataclass(frozen=True, kw_only=True)
class State:
    """What a fitted model predicts with.

    Attributes
    ----------
    network : Network
        From raw columns of X to outputs.
    support : bool ndarray of shape (n_features,)
        True for the columns in use.
    targets : NumericTargets or ClassTargets
        From outputs to answers.
    """

    network: Network
    support: np.ndarray
    targets: NumericTargets | ClassTargets
