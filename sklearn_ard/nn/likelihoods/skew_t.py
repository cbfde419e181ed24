"""Noise with two tails of their own, and a scale that depends on the inputs."""

import math

import torch
from torch import Tensor, nn

from sklearn_ard.nn.likelihoods.location_scale import LocationScale, Tails


class SkewTLikelihood(LocationScale):
    """Jones and Faddy's skew t noise, whose scale is an output of the network, too.

    With the same degrees of freedom in both tails it is Student's t; with many, normal.

    Attributes
    ----------
    logit_left, logit_right : Parameter of shape (n_outputs,)
        Of the degrees of freedom of either tail, between 1.5 and 100; learned with the
        network.

    References
    ----------
    Jones, Faddy (2003). A skew extension of the t-distribution, with applications.
    JRSS B 65, eq. 1, with 2a and 2b degrees of freedom.
    """

    has_spread = True

    def __init__(
        self,
        n_outputs: int = 1,
        log_scale2: Tensor | None = None,
        least_scale2: Tensor | None = None,
    ):
        super().__init__(n_outputs, log_scale2, least_scale2)
        self.logit_left = nn.Parameter(torch.full((n_outputs,), Tails.START))
        self.logit_right = nn.Parameter(torch.full((n_outputs,), Tails.START))

    def standard(
        self, z: Tensor, logit_left: Tensor, logit_right: Tensor
    ) -> tuple[Tensor, ...]:
        tails, by_logit = Tails.df_and_slope(torch.stack([logit_left, logit_right]))
        tails, by_logit = 0.5 * tails, 0.5 * by_logit
        df, apart = tails.sum(dim=0), tails[0] - tails[1]
        root = torch.rsqrt(df)
        u = z * root
        inside = 1 / (1 + u * u)
        # (1 ± u / sqrt(1 + u²)) = exp(± asinh u) / sqrt(1 + u²)
        tilt, log1p = torch.asinh(u), -0.5 * torch.log(inside)
        by_u = (df + 1) * u * inside - apart * torch.sqrt(inside)
        gammas = torch.cat([tails, df[None]])
        log_gammas, digammas = torch.lgamma(gammas), torch.digamma(gammas)
        constant = (df - 1) * math.log(2) - torch.log(root)
        constant = constant + log_gammas[0] + log_gammas[1] - log_gammas[2]
        by_both = log1p - (0.5 / df) * by_u * u
        by_constant = digammas[:2] + (math.log(2) - digammas[2] + 0.5 / df)
        return (
            constant + (df + 1) * log1p - apart * tilt,
            by_u * root,
            (by_both - tilt + by_constant[0]) * by_logit[0],
            (by_both + tilt + by_constant[1]) * by_logit[1],
        )
