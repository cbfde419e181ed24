"""Likelihoods of targets, given the outputs of a network: one per file.

Outputs and targets come in; negative log-likelihoods in nats and their gradient go out.
Start with `base`, the interface.
"""

from sklearn_ard.nn.likelihoods.base import Likelihood
from sklearn_ard.nn.likelihoods.categorical import CategoricalLikelihood
from sklearn_ard.nn.likelihoods.gaussian import GaussianLikelihood
from sklearn_ard.nn.likelihoods.heteroscedastic import HeteroscedasticLikelihood
from sklearn_ard.nn.likelihoods.location_scale import LocationScale
from sklearn_ard.nn.likelihoods.skew_t import SkewTLikelihood
from sklearn_ard.nn.likelihoods.student_t import StudentTLikelihood

__all__ = [
    "CategoricalLikelihood",
    "GaussianLikelihood",
    "HeteroscedasticLikelihood",
    "Likelihood",
    "LocationScale",
    "SkewTLikelihood",
    "StudentTLikelihood",
]

# By name; regressors take their likelihoods by these, classifiers have the last.
LIKELIHOODS = {
    "gaussian": GaussianLikelihood,
    "student_t": StudentTLikelihood,
    "heteroscedastic": HeteroscedasticLikelihood,
    "skew_t": SkewTLikelihood,
    "categorical": CategoricalLikelihood,
}
