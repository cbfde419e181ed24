"""Layers whose weights are Gaussian: one mixin, and torch's own layers below it."""

import math
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sklearn_ard.nn.priors import Prior, get_prior, log_alpha

# Keeps the gradient of sqrt(variance) finite at 0; the value of the paper's authors
# (a smaller one makes that gradient explode).
_EPS = 1e-8

# Initial log(sigma² / E[weight²]). With much less noise a network fits noise columns
# before the KL divergence is at full weight; with a multiple of it nothing is learned.
INITIAL_LOG_ALPHA = -2.0


class ARDMixin:
    """Gaussian weights with local reparameterisation, on the left of a torch layer.

    In training mode the layer samples its output from the Gaussian that its uncertain
    weights induce, N(x·μ + b, x²·σ²); the bias is deterministic. In evaluation mode it
    is the torch layer with the weights that its prior does not keep set to zero.

    Attributes
    ----------
    weight : Parameter
        Posterior means μ, as in the torch layer.
    log_sigma2 : Parameter
        Natural logarithms of the posterior variances, of the shape of `weight`.
    mask : Tensor
        1 for live weights; 0 for weights pruned for good by :meth:`prune_`, which have
        neither mean nor variance any more.
    prior : Prior
        Computes the KL divergence, and says which weights are kept.
    deterministic : bool
        While True, no noise is added and no weight counts as superfluous: the layer is
        the torch layer with the weights that were not pruned for good. See
        :func:`deterministic`.

    References
    ----------
    Kingma, Salimans, Welling (2015). Variational Dropout and the Local
    Reparameterization Trick. arXiv:1506.02557, section 2.3.
    """

    deterministic = False

    def _init_ard(self, prior: str | Prior) -> None:
        """Add what a torch layer lacks; the variances are to be set yet."""
        self.prior = get_prior(prior)
        self.log_sigma2 = nn.Parameter(
            torch.zeros_like(self.weight), self.weight.requires_grad
        )
        self.register_buffer("mask", torch.ones_like(self.weight.detach()))

    @torch.no_grad()
    def reset_weights(self) -> None:
        """Draw new means of variance 1 / fan_in; set all variances to e⁻² of that."""
        fan_in = self.weight[0].numel()
        nn.init.uniform_(self.weight, -math.sqrt(3 / fan_in), math.sqrt(3 / fan_in))
        self.log_sigma2.fill_(INITIAL_LOG_ALPHA - math.log(fan_in))
        self.mask.fill_(1)

    @torch.no_grad()
    def reset_variances(self) -> None:
        """Give every weight the variance e⁻² · weight²: a trained one is kept as it is.

        The variance is set for each weight by itself. One for the whole layer would
        prune the small weights of a trained network before they had a say.
        """
        self.log_sigma2.copy_(INITIAL_LOG_ALPHA - log_alpha(self.weight, 0.0))

    @property
    def log_alpha(self) -> Tensor:
        """Natural logarithm of σ² / μ², one per weight."""
        return log_alpha(self.weight, self.log_sigma2)

    def kl(self) -> Tensor:
        """KL divergence from the prior in nats, one term per weight."""
        groups = getattr(self, "groups", 1)
        return self.prior.kl(self.weight, self.log_sigma2, self.mask, groups)

    @torch.no_grad()
    def keep(self) -> Tensor:
        """Boolean tensor, True for the weights that evaluation mode uses."""
        if self.deterministic:
            return self.mask.bool()
        groups = getattr(self, "groups", 1)
        return self.prior.keep(self.weight, self.log_sigma2, self.mask, groups)

    @torch.no_grad()
    def prune_(self) -> None:
        """Mask for good what the prior does not keep."""
        self.mask.copy_(self.keep())

    @torch.no_grad()
    def per_input(self, values: Tensor) -> Tensor:
        """Sum of values over all weights that leave an input (unit or channel).

        Parameters
        ----------
        values : Tensor of the shape of `weight`
            One value per weight.

        Returns
        -------
        Tensor of shape (in_features,) or (in_channels,)
            One sum per input.
        """
        groups = getattr(self, "groups", 1)
        blocks = values.reshape(groups, -1, *values.shape[1:])
        over = (1, *range(3, blocks.dim()))
        return blocks.sum(over).flatten()

    @torch.no_grad()
    def leaves_inputs(self, inputs) -> Tensor:
        """1 for the weights that leave `inputs` (indices or a mask), 0 elsewhere."""
        groups = getattr(self, "groups", 1)
        n_in = self.mask.shape[1]
        chosen = self.mask.new_zeros(groups * n_in)
        chosen[inputs] = 1
        blocks = chosen.view(groups, 1, n_in, *(1,) * (self.mask.dim() - 2))
        shape = (groups, len(self.mask) // groups, *self.mask.shape[1:])
        return blocks.expand(shape).flatten(0, 1)

    @torch.no_grad()
    def mask_inputs_(self, live: Tensor) -> None:
        """Prune for good all weights that leave the inputs where `live` is False."""
        self.mask.mul_(self.leaves_inputs(live))

    @torch.no_grad()
    def mask_outputs_(self, live: Tensor) -> None:
        """Prune for good all weights that enter the units where `live` is False."""
        live = live.to(self.mask.dtype)
        self.mask.mul_(live.reshape(-1, *(1,) * (self.mask.dim() - 1)))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self._map(x, self.weight * self.keep(), self.bias)
        mean = self._map(x, self.weight * self.mask, self.bias)
        if self.deterministic:
            return mean
        variance = self._map(x.square(), self.log_sigma2.exp() * self.mask, None)
        return self.sample(mean, variance)

    @staticmethod
    def sample(mean: Tensor, variance: Tensor) -> Tensor:
        """Draw from N(mean, variance), differentiably."""
        return mean + torch.sqrt(variance + _EPS) * torch.randn_like(mean)

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The linear map of the torch layer, with other weights."""
        return self._conv_forward(x, weight, bias)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, prior={self.prior.name!r}"


class LinearARD(ARDMixin, nn.Linear):
    """:class:`torch.nn.Linear` with Gaussian weights.

    Parameters
    ----------
    in_features, out_features : int
        Number of inputs and of units.
    bias : bool, default=True
        Whether to add a deterministic bias.
    prior : {"log_uniform", "ard", "group_ard"} or Prior, default="log_uniform"
        Prior over the weights.
    device, dtype
        As in torch.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import LinearARD
    >>> layer = LinearARD(3, 2)
    >>> layer(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(
        self,
        in_features,
        out_features,
        bias=True,
        *,
        prior="log_uniform",
        device=None,
        dtype=None,
    ):
        super().__init__(in_features, out_features, bias, device, dtype)
        self._init_ard(prior)
        self.reset_weights()

    def forward(self, x):
        if not self.training or self.deterministic or x.dim() != 2:
            return super().forward(x)
        return _SampledLinear.apply(
            x, self.weight, self.log_sigma2, self.mask, self.bias
        )

    def _map(self, x, weight, bias):
        return F.linear(x, weight, bias)


class _SampledLinear(torch.autograd.Function):
    """Sampled output of a dense layer, with its gradient written out.

    The same as :meth:`ARDMixin.forward`, in half of the time for a small network, where
    the number of operations counts and not their size.
    """

    @staticmethod
    def forward(ctx, x, weight, log_sigma2, mask, bias):
        weight = weight * mask
        sigma2 = torch.exp(log_sigma2).mul_(mask)
        square = x.square()
        std = (square @ sigma2.T).add_(_EPS).sqrt_()
        noise = torch.randn_like(std)
        output = F.linear(x, weight, bias).addcmul_(std, noise)
        # d output / d variance
        slope = noise.div_(std).mul_(0.5)
        ctx.save_for_backward(x, square, weight, sigma2, mask, slope)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, square, weight, sigma2, mask, slope = ctx.saved_tensors
        grad_variance = grad * slope
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (grad_variance @ sigma2).mul_(x).mul_(2).addmm_(grad, weight)
        grad_weight = (grad.T @ x).mul_(mask)
        grad_log_sigma2 = (grad_variance.T @ square).mul_(sigma2)
        grad_bias = grad.sum(dim=0) if ctx.needs_input_grad[4] else None
        return grad_x, grad_weight, grad_log_sigma2, None, grad_bias


class _ConvARD(ARDMixin):
    """Constructor shared by the convolutions of every dimension."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        *,
        prior="log_uniform",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
        )
        self._init_ard(prior)
        self.reset_weights()


_CONV_DOC = """:class:`torch.nn.Conv{n}d` with Gaussian weights.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, \
padding_mode, device, dtype
        As in :class:`torch.nn.Conv{n}d`. The bias is deterministic: it never enters the
        variance of the output.
    prior : {{"log_uniform", "ard", "group_ard"}} or Prior, default="log_uniform"
        Prior over the weights.
    """


class Conv1dARD(_ConvARD, nn.Conv1d):
    __doc__ = _CONV_DOC.format(n=1)


class Conv2dARD(_ConvARD, nn.Conv2d):
    __doc__ = _CONV_DOC.format(n=2)


class Conv3dARD(_ConvARD, nn.Conv3d):
    __doc__ = _CONV_DOC.format(n=3)


def ard_layers(model: nn.Module) -> list[ARDMixin]:
    """All ARD layers of a network, in the order in which they were registered.

    Parameters
    ----------
    model : Module
        A network, or a layer.

    Returns
    -------
    list of layers
        Each layer once, shared ones too.
    """
    return [module for module in model.modules() if isinstance(module, ARDMixin)]


@contextmanager
def deterministic(model: nn.Module):
    """Context in which a network trains as if it had no prior: without any noise.

    For dense training in front of the sparse one, which is the paper's advice for deep
    networks. Afterwards every weight has a small variance relative to its own size, as
    after :func:`to_ard`.

    Parameters
    ----------
    model : Module
        A network with ARD layers. The KL divergence means nothing while in here:
        minimise the likelihood alone.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, deterministic
    >>> model, x = DenseARD(3, 1), torch.zeros(1, 3)
    >>> with deterministic(model):
    ...     print(torch.equal(model(x), model(x)))
    True
    """
    layers = ard_layers(model)
    for layer in layers:
        layer.deterministic = True
    try:
        yield
    finally:
        for layer in layers:
            layer.deterministic = False
            layer.reset_variances()


def sparsity(model: nn.Module) -> float:
    """Share of the prunable weights that evaluation mode does not use.

    Parameters
    ----------
    model : Module
        A network with ARD layers.

    Returns
    -------
    float
        Between 0 and 1; biases do not count.

    Raises
    ------
    ValueError
        If the network has no ARD layer.
    """
    if not ard_layers(model):
        raise ValueError(
            f"'model' must contain ARD layers (LinearARD, Conv2dARD, ...). "
            f"Got {type(model).__name__} with none instead."
        )
    kept, total = count_weights(model)
    return 1 - kept / total


def count_weights(model: nn.Module) -> tuple[int, int]:
    """Prunable weights that evaluation mode uses, and all there are."""
    layers = ard_layers(model)
    kept = sum(int(layer.keep().sum()) for layer in layers)
    return kept, sum(layer.weight.numel() for layer in layers)
