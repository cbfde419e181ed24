"""Student's t noise: a few targets may be far away."""

import math

import torch
from torch import Tensor, nn

from sklearn_ard.nn.likelihoods.location_scale import LocationScale, Tails


class StudentTLikelihood(LocationScale):
    """Student's t noise of unknown scale and degrees of freedom, for every output.

    Attributes
    ----------
    logit_df : Parameter of shape (n_outputs,)
        Of the degrees of freedom, between 1.5 and 100; learned with the network.

    References
    ----------
    Lange, Little, Taylor (1989). Robust statistical modeling using the t distribution.
    JASA 84.
    """

    def __init__(
        self,
        n_outputs: int = 1,
        log_scale2: Tensor | None = None,
        least_scale2: Tensor | None = None,
    ):
        super().__init__(n_outputs, log_scale2, least_scale2)
        self.logit_df = nn.Parameter(torch.full((n_outputs,), Tails.START))

    def standard(self, z: Tensor, logit_df: Tensor) -> tuple[Tensor, ...]:
        df, by_logit = Tails.df_and_slope(logit_df)
        half = 0.5 * df + 0.5
        halves = torch.stack([0.5 * df, half])
        log_gammas, digammas = torch.lgamma(halves), torch.digamma(halves)
        inside = df / (df + z * z)
        log1p = -torch.log(inside)
        constant = log_gammas[0] - log_gammas[1] + 0.5 * torch.log(math.pi * df)
        by_constant = 0.5 * (digammas[0] - digammas[1] + 1 / df) - half / df
        return (
            constant + half * log1p,
            (2 * half / df) * z * inside,
            (by_constant + 0.5 * log1p + (half / df) * inside) * by_logit,
        )
