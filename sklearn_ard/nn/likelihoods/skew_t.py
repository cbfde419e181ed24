"""Noise with two tails of their own, and a scale that depends on the inputs."""

import math

import torch
from torch import nn

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

    def __init__(self, n_outputs=1, log_scale2=None, least_scale2=None):
        super().__init__(n_outputs, log_scale2, least_scale2)
        self.logit_left = nn.Parameter(torch.full((n_outputs,), Tails.START))
        self.logit_right = nn.Parameter(torch.full((n_outputs,), Tails.START))

    def standard(self, z, logit_left, logit_right):
        a, b = 0.5 * Tails.df(logit_left), 0.5 * Tails.df(logit_right)
        df = a + b
        u = z * torch.rsqrt(df)
        # (1 ± u / sqrt(1 + u²)) = exp(± asinh u) / sqrt(1 + u²)
        tilt, log1p = torch.asinh(u), 0.5 * torch.log1p(u * u)
        constant = (df - 1) * math.log(2) + 0.5 * torch.log(df)
        constant = constant + torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(df)
        nll = constant + (df + 1) * log1p - (a - b) * tilt
        by_u = (df + 1) * u / (1 + u * u) - (a - b) * torch.rsqrt(1 + u * u)
        by_both = math.log(2) - torch.digamma(df) + 0.5 * (1 - by_u * u) / df + log1p
        by_left = by_both + torch.digamma(a) - tilt
        by_right = by_both + torch.digamma(b) + tilt
        return (
            nll,
            by_u * torch.rsqrt(df),
            by_left * (0.5 * Tails.slope(logit_left)),
            by_right * (0.5 * Tails.slope(logit_right)),
        )
