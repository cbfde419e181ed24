"""Layers, networks, priors and objective in pure torch, for your own training loop.

Tensors and torch modules come in and go out; scikit-learn, skorch and numpy are not
imported. Read `mixin` first, then `objective`.
"""

from sklearn_ard.nn.compaction import Compacted, compact
from sklearn_ard.nn.convert import to_ard
from sklearn_ard.nn.ensemble import Ensemble
from sklearn_ard.nn.evidence import elbo, weigh_inputs
from sklearn_ard.nn.layers import (
    Conv1dARD,
    Conv2dARD,
    Conv3dARD,
    LinearARD,
    ard_layers,
    deterministic,
    sparsity,
)
from sklearn_ard.nn.likelihoods import (
    CategoricalLikelihood,
    GaussianLikelihood,
    HeteroscedasticLikelihood,
    Likelihood,
    LocationScale,
    SkewTLikelihood,
    StudentTLikelihood,
)
from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.networks import ConvARD, DenseARD, SkipARD
from sklearn_ard.nn.noise import noise_from
from sklearn_ard.nn.objective import ELBOLoss, kl_divergence
from sklearn_ard.nn.priors import ARD, GroupARD, LogUniform, Prior, log_alpha
from sklearn_ard.nn.pruning import (
    input_layers,
    live_inputs,
    mask_unread_units_,
    prune_,
)
from sklearn_ard.nn.sampling import output_variance
from sklearn_ard.nn.warmup import KLWarmup

__all__ = [
    "ARD",
    "ARDMixin",
    "CategoricalLikelihood",
    "Compacted",
    "Conv1dARD",
    "Conv2dARD",
    "Conv3dARD",
    "ConvARD",
    "DenseARD",
    "ELBOLoss",
    "Ensemble",
    "GaussianLikelihood",
    "GroupARD",
    "HeteroscedasticLikelihood",
    "KLWarmup",
    "Likelihood",
    "LinearARD",
    "LocationScale",
    "LogUniform",
    "Prior",
    "SkewTLikelihood",
    "SkipARD",
    "StudentTLikelihood",
    "ard_layers",
    "compact",
    "deterministic",
    "elbo",
    "input_layers",
    "kl_divergence",
    "live_inputs",
    "log_alpha",
    "mask_unread_units_",
    "noise_from",
    "output_variance",
    "prune_",
    "sparsity",
    "to_ard",
    "weigh_inputs",
]
