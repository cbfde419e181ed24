"""Layers, networks, priors and objective in pure torch, for your own training loop."""

from sklearn_ard.nn.compaction import Compacted, compact
from sklearn_ard.nn.convert import to_ard
from sklearn_ard.nn.ensemble import Ensemble
from sklearn_ard.nn.evidence import (
    elbo,
    input_layers,
    live_inputs,
    mask_unread_units_,
    prune_,
    weigh_inputs,
)
from sklearn_ard.nn.layers import (
    ARDMixin,
    Conv1dARD,
    Conv2dARD,
    Conv3dARD,
    LinearARD,
    ard_layers,
    deterministic,
    sparsity,
)
from sklearn_ard.nn.networks import ConvARD, DenseARD, SkipARD
from sklearn_ard.nn.objective import (
    CategoricalLikelihood,
    ELBOLoss,
    GaussianLikelihood,
    KLWarmup,
    kl_divergence,
)
from sklearn_ard.nn.priors import ARD, GroupARD, LogUniform, Prior, log_alpha
from sklearn_ard.nn.sampling import output_variance

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
    "KLWarmup",
    "LinearARD",
    "LogUniform",
    "Prior",
    "SkipARD",
    "ard_layers",
    "compact",
    "deterministic",
    "elbo",
    "input_layers",
    "kl_divergence",
    "live_inputs",
    "log_alpha",
    "mask_unread_units_",
    "output_variance",
    "prune_",
    "sparsity",
    "to_ard",
    "weigh_inputs",
]
