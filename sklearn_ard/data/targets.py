"""Targets: standardised numbers, or indices of classes.

Input: checked targets and weights, or outputs of a network. Output: numbers for a
likelihood, and the outputs of a model without inputs; or predictions.
"""

import numpy as np
from scipy.special import softmax

from sklearn_ard.data.scaler import Scaler


class NumericTargets:
    """Targets of a regression, standardised.

    Parameters
    ----------
    n_outputs : int
        Number of targets.
    is_1d : bool
        Whether y has one dimension.
    standardize : bool
        False leaves them unchanged, for a network that was trained on them.

    Attributes
    ----------
    scaler_ : Scaler
        Standardises the targets.
    empty_output_ : ndarray of shape (n_outputs,)
        Output of a model without inputs: the weighted mean, scaled.
    empty_log_noise_ : ndarray of shape (n_outputs,)
        Natural logarithm of the variance around it, scaled.
    """

    def __init__(self, n_outputs, is_1d, standardize):
        self.n_outputs, self.is_1d, self.standardize = n_outputs, is_1d, standardize

    def fit(self, y, weight):
        """Compute the statistics of targets of shape (n, n_outputs)."""
        spread = Scaler().fit(y, weight)
        self.scaler_ = scaler = Scaler(standardize=self.standardize).fit(y, weight)
        self.empty_output_ = (spread.mean_ - scaler.mean_) / scaler.scale_
        self.empty_log_noise_ = 2 * np.log(spread.scale_ / scaler.scale_)
        return self

    def transform(self, y):
        """Scaled targets of shape (n, n_outputs) and type float32."""
        return self.scaler_.transform(y)

    def predictions(self, outputs):
        """Outputs of a network in units of y, of the shape that y had."""
        return self.squeeze(self.scaler_.inverse_transform(outputs))

    @property
    def log_jacobian(self):
        """Nats per row between the densities of scaled targets and of y."""
        return -float(np.log(self.scaler_.scale_).sum())

    def squeeze(self, values):
        """Values of shape (n, n_outputs) in the shape that y had."""
        return values[:, 0] if self.is_1d else values


class ClassTargets:
    """Labels of a classification, as indices of the classes.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels, sorted.

    Attributes
    ----------
    empty_output_ : ndarray of shape (n_classes,)
        Output of a model without inputs: logarithms of the weighted class frequencies.
    """

    log_jacobian = 0.0

    def __init__(self, classes):
        self.classes, self.n_outputs = classes, len(classes)

    def fit(self, y, weight):
        """Compute the statistics of indices of shape (n, 1)."""
        shares = np.bincount(y[:, 0].astype(np.int64), weight, minlength=self.n_outputs)
        with np.errstate(divide="ignore"):
            self.empty_output_ = np.log(shares / shares.sum())
        return self

    def transform(self, y):
        """Indices of shape (n,) and type int64."""
        return y[:, 0].astype(np.int64)

    def predictions(self, outputs):
        """The most probable label of every row."""
        return self.classes[outputs.argmax(axis=1)]

    def probabilities(self, outputs):
        """Probabilities of shape (n, n_classes)."""
        return softmax(outputs.astype(np.float64), axis=1)
