"""ARD layers: torch's own layers with Gaussian weights, and functions of all of them.

Sizes of layers come in and modules go out, or a network comes in for its ARD layers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_ard.nn.mixin import ARDMixin
from sklearn_ard.nn.priors import Prior


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
    generator : torch.Generator, optional
        Where the initial weights and biases come from, on the device of the layer;
        torch's global one by default.
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
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        prior: str | Prior = "log_uniform",
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__(in_features, out_features, bias, device, dtype)
        self._init_ard(prior)
        self.reset_parameters(generator)

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(x, weight, bias)


class _ConvARD(ARDMixin):
    """Constructor shared by the convolutions of every dimension."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: str | int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        prior: str | Prior = "log_uniform",
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
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
        self.reset_parameters(generator)


class Conv1dARD(_ConvARD, nn.Conv1d):
    """:class:`torch.nn.Conv1d` with Gaussian weights.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, \
padding_mode, device, dtype
        As in :class:`torch.nn.Conv1d`. The bias is deterministic: it never enters the
        variance of the output.
    prior, generator
        As in :class:`LinearARD`.
    """


class Conv2dARD(_ConvARD, nn.Conv2d):
    """:class:`torch.nn.Conv2d` with Gaussian weights.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, \
padding_mode, device, dtype
        As in :class:`torch.nn.Conv2d`. The bias is deterministic: it never enters the
        variance of the output.
    prior, generator
        As in :class:`LinearARD`.
    """


class Conv3dARD(_ConvARD, nn.Conv3d):
    """:class:`torch.nn.Conv3d` with Gaussian weights.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, \
padding_mode, device, dtype
        As in :class:`torch.nn.Conv3d`. The bias is deterministic: it never enters the
        variance of the output.
    prior, generator
        As in :class:`LinearARD`.
    """


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


def checked_ard_layers(model: nn.Module, owner: str) -> list[ARDMixin]:
    """The ARD layers of the `model` parameter of `owner`, which must have some."""
    layers = ard_layers(model)
    if not layers:
        raise ValueError(
            f"'model' of {owner} must contain ARD layers (LinearARD, Conv2dARD, ...). "
            f"Got {type(model).__name__} with none instead."
        )
    return layers


def has_hooks(module: nn.Module) -> bool:
    """Whether a module calls other code in its forward pass."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


@contextmanager
def deterministic(model: nn.Module) -> Iterator[None]:
    """Context in which a network is trained without noise, as without a prior.

    For dense training before the sparse one, as Molchanov et al. (2017) advise for deep
    networks. Afterwards every weight has a small variance relative to its own size, as
    after :func:`to_ard`.

    Parameters
    ----------
    model : Module
        A network with ARD layers. The KL divergence is meaningless in this context:
        minimise the negative log-likelihood alone.

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
    checked_ard_layers(model, "sparsity")
    kept, total = count_weights(model)
    return 1 - kept / total


def count_weights(model: nn.Module) -> tuple[int, int]:
    """Number of prunable weights that evaluation mode uses, and of all."""
    layers = ard_layers(model)
    kept = sum(int(layer.keep().sum()) for layer in layers)
    return kept, sum(layer.weight.numel() for layer in layers)
