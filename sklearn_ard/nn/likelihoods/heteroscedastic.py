"""Gaussian noise whose variance depends on the inputs."""

import math

import torch
from torch import Tensor

from sklearn_ard.nn.likelihoods.location_scale import LocationScale


class HeteroscedasticLikelihood(LocationScale):
    """Gaussian noise whose variance is an output of the network, too."""

    has_spread = True

    def standard(self, z: Tensor) -> tuple[Tensor, ...]:
        return 0.5 * (torch.square(z) + math.log(2 * math.pi)), z
