"""Noise of a known shape, with a location and a scale."""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from sklearn_ard.nn.likelihoods.base import Likelihood

LARGEST_SPREAD = 8.0  # that a network may add to the logarithm of a squared scale


class LocationScale(Likelihood):
    """Base of noise that is a standard distribution, moved and scaled.

    A subclass has a `standard`, and a parameter for each of its shapes. Where it
    `has_spread`, the network has two outputs per target: first the locations of all
    targets, then what is added to the logarithms of their squared scales, smoothly
    bounded by 8 in size. Where the latter are pruned, the scale is the same everywhere.

    Parameters
    ----------
    n_outputs : int, default=1
        Number of targets.
    log_scale2 : Tensor of shape (n_outputs,), optional
        Initial value; 0 by default.
    least_scale2 : Tensor of shape (n_outputs,), optional
        Added to squared scales, 0 by default. Rounded targets would otherwise be known
        exactly where the network predicts one of their values.

    Attributes
    ----------
    log_scale2 : Parameter of shape (n_outputs,)
        Natural logarithm of the squared scale, learned with the network.

    References
    ----------
    Nix, Weigend (1994). Estimating the mean and variance of the target probability
    distribution. ICNN.

    Rigby, Stasinopoulos (2005). Generalized additive models for location, scale and
    shape. Applied Statistics 54.

    Examples
    --------
    Logistic noise, for your own training loop. A regressor takes it beside its
    distribution in scipy, as "Add a likelihood" of the handbook shows:

    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, ELBOLoss, LocationScale
    >>> class LogisticLikelihood(LocationScale):
    ...     def standard(self, z):
    ...         softplus = torch.nn.functional.softplus
    ...         return softplus(z) + softplus(-z), torch.tanh(z / 2)
    >>> model = DenseARD(3, 1, hidden_layer_sizes=(8,))
    >>> loss = ELBOLoss(model, num_data=100, likelihood=LogisticLikelihood())
    >>> loss(model(torch.randn(10, 3)), torch.randn(10)).backward()
    """

    has_spread = False
    least_scale2: Tensor

    def __init__(
        self,
        n_outputs: int = 1,
        log_scale2: Tensor | None = None,
        least_scale2: Tensor | None = None,
    ):
        super().__init__()
        self.log_scale2 = nn.Parameter(torch.zeros(n_outputs))
        self.register_buffer("least_scale2", torch.zeros(n_outputs))
        for own, given in (
            (self.log_scale2.data, log_scale2),
            (self.least_scale2, least_scale2),
        ):
            if given is not None:
                own.copy_(torch.as_tensor(given))

    def standard(self, z: Tensor, *shapes: Tensor) -> tuple[Tensor, ...]:
        """Negative log-density of the standard distribution, and its derivatives.

        Parameters
        ----------
        z : Tensor of shape (n, n_outputs)
            Standardised targets.
        *shapes : Tensor of shape (n_outputs,)
            Values of the parameters of the subclass, in the order of their names.

        Returns
        -------
        tuple of Tensor of shape (n, n_outputs)
            In nats, and its derivatives by z and by each parameter.
        """
        raise NotImplementedError

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        log_scale2: Tensor
        log_scale2, *shapes = self.parameters()
        location, spread = self._split(output)
        if spread is not None:
            bounded = torch.tanh(spread / LARGEST_SPREAD)
            log_scale2 = log_scale2 + LARGEST_SPREAD * bounded
        scale2 = torch.exp(log_scale2) + self.least_scale2
        z = (target.reshape(location.shape) - location) * torch.rsqrt(scale2)
        nll = self.standard(z, *shapes)[0] + 0.5 * torch.log(scale2)
        return nll.expand_as(z).sum(dim=1)

    def gradient(
        self,
        output: Tensor,
        target: Tensor,
        sample_weight: Tensor,
        log_scale2: Tensor,
        *shapes: Tensor,
    ) -> tuple[Tensor, ...]:
        weight = sample_weight[:, None] / len(output)
        location, spread = self._split(output)
        bounded = None
        if spread is not None:
            bounded = torch.tanh(spread / LARGEST_SPREAD)
            log_scale2 = log_scale2 + LARGEST_SPREAD * bounded
        free = torch.exp(log_scale2)
        scale2 = free + self.least_scale2
        inverse = torch.rsqrt(scale2)
        z = (target.reshape(location.shape) - location) * inverse
        nll, by_z, *by_shapes = self.standard(z, *shapes)
        by_z = by_z * weight
        # by the logarithm of the scale before anything was added to it
        by_scale = (weight - z * by_z).mul_(0.5 * free / scale2)
        slope = by_z.mul_(inverse).neg_()
        if bounded is not None:
            slope = torch.cat([slope, by_scale * (1 - bounded * bounded)], dim=1)
        nll = ((nll - torch.log(inverse)) * weight).sum()
        by_shapes = [(weight * by_shape).sum(dim=0) for by_shape in by_shapes]
        return nll, slope, by_scale.sum(dim=0), *by_shapes

    def _split(self, output: Tensor) -> tuple[Tensor, Tensor | None]:
        """Locations, and what is added to squared scales, or None."""
        if not self.has_spread:
            return output, None
        location, spread = output.chunk(2, dim=1)
        return location, spread

    @torch.no_grad()
    def average_(self, others: Sequence[Self]) -> None:
        """Set squared scales, and parameters of the shape, to their means."""
        values = torch.stack([other.log_scale2 for other in others])
        self.log_scale2.copy_(values.logsumexp(dim=0) - math.log(len(others)))
        for name, shape in list(self.named_parameters())[1:]:
            shape.copy_(torch.stack([getattr(o, name) for o in others]).mean(dim=0))


class Tails:
    """Degrees of freedom of a tail, from a number of any size.

    They lie between 1.5, below which means say little, and 100, which no sample tells
    from a normal tail.
    """

    LEAST, MOST = 1.5, 100.0
    START = -3.65  # 4 degrees: an outlier must not be explained before tails are known

    @classmethod
    def df_and_slope(cls, logit: Tensor) -> tuple[Tensor, Tensor]:
        """The degrees of freedom, and their derivative."""
        share = torch.sigmoid(logit)
        above = (cls.MOST - cls.LEAST) * share
        return above + cls.LEAST, above * (1 - share)
