"""Student's t noise: a few targets may be far away."""

import math

import torch
from torch import nn

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

    def __init__(self, n_outputs=1, log_scale2=None, least_scale2=None):
        super().__init__(n_outputs, log_scale2, least_scale2)
        self.logit_df = nn.Parameter(torch.full((n_outputs,), Tails.START))

    def standard(self, z, logit_df):
        df = Tails.df(logit_df)
        half, square = 0.5 * (df + 1), torch.square(z)
        constant = torch.lgamma(0.5 * df) - torch.lgamma(half)
        constant = constant + 0.5 * torch.log(math.pi * df)
        log1p, inside = torch.log1p(square / df), 1 / (df + square)
        by_df = 0.5 * (torch.digamma(0.5 * df) - torch.digamma(half) + 1 / df)
        by_df = by_df + 0.5 * log1p - half / df * square * inside
        return (
            constant + half * log1p,
            2 * half * z * inside,
            by_df * Tails.slope(logit_df),
        )
