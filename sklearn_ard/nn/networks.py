"""Dense and convolutional networks of ARD layers.

Numbers of inputs, units and outputs come in; networks with random weights go out.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Number
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ard.nn.activations import make_activation
from sklearn_ard.nn.layers import Conv1dARD, Conv2dARD, Conv3dARD, LinearARD
from sklearn_ard.nn.priors import Prior

_CONVOLUTIONS = {1: Conv1dARD, 2: Conv2dARD, 3: Conv3dARD}
_POOLINGS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}


class DenseARD(nn.Sequential):
    """Multi-layer perceptron of :class:`LinearARD` layers.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Number of inputs and outputs.
    hidden_layer_sizes : tuple of int, default=(64, 64)
        Units per hidden layer; empty for a linear model.
    activation : str, default="relu"
        One of "relu", "tanh", "logistic", "silu", "gelu", "identity".
    prior : {"log_uniform", "ard", "group_ard"} or Prior, default="log_uniform"
        Prior over all weights.
    generator : torch.Generator, optional
        Where the initial weights come from; torch's global one by default.
    device, dtype
        As in torch.

    Raises
    ------
    ValueError
        If the activation or the prior is unknown.

    Examples
    --------
    >>> from sklearn_ard.nn import DenseARD, ard_layers
    >>> [layer.out_features for layer in ard_layers(DenseARD(5, 2, (8, 4)))]
    [8, 4, 2]
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        hidden_layer_sizes: Sequence[int] = (64, 64),
        activation: str = "relu",
        prior: str | Prior = "log_uniform",
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        sizes = n_inputs, *hidden_layer_sizes, n_outputs
        made_of: dict[str, Any] = {
            "generator": generator,
            "device": device,
            "dtype": dtype,
        }
        _append_dense(self, sizes, activation, prior, **made_of)


class SkipARD(nn.Module):
    """A network with a linear map of :class:`LinearARD` beside it.

    An effect that is linear in an input then needs one weight per output, and not
    weights in every layer.

    Parameters
    ----------
    network : Module
        Any network from `n_inputs` to `n_outputs`.
    n_inputs, n_outputs : int
        Number of inputs and outputs.
    prior : {"log_uniform", "ard", "group_ard"} or Prior, default="log_uniform"
        Prior over the weights of the linear map.
    generator : torch.Generator, optional
        Where the initial weights come from; torch's global one by default.
    device, dtype
        As in torch.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import DenseARD, SkipARD
    >>> SkipARD(DenseARD(5, 2), 5, 2)(torch.zeros(3, 5)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self,
        network: nn.Module,
        n_inputs: int,
        n_outputs: int,
        prior: str | Prior = "log_uniform",
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.network = network
        made_of: dict[str, Any] = {
            "generator": generator,
            "device": device,
            "dtype": dtype,
        }
        self.linear = LinearARD(n_inputs, n_outputs, bias=False, prior=prior, **made_of)
        with torch.no_grad():  # begin near the mean of the targets
            self.linear.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x) + self.linear(x)


class ConvARD(nn.Sequential):
    """Convolutional network of ARD layers: convolutions, then a dense head.

    Each convolution is followed by the activation and by max pooling, in every
    dimension that is still larger than 1. The default keeps the size of images in a
    convolution and halves it in the pooling.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, length), (channels, height, width) or (channels, depth, height,
        width). The input may also come as 2-D, one flattened image per row.
    n_outputs : int
        Number of outputs.
    conv_channels : tuple of int, default=(16, 32)
        Channels per convolution.
    kernel_size : int or tuple of int, default=3
        Width of the kernels, of all convolutions or of each.
    hidden_layer_sizes : tuple of int, default=(64,)
        Units per hidden layer of the dense head.
    activation : str, default="relu"
        One of "relu", "tanh", "logistic", "silu", "gelu", "identity".
    prior : {"log_uniform", "ard", "group_ard"} or Prior, default="log_uniform"
        Prior over all weights.
    stride : int or tuple of int, default=1
        Step of the kernels, of all convolutions or of each.
    padding : "same", "valid", int or tuple of these, default="same"
        Zeros around the images: as many as keep their size (with stride 1), none, or a
        number on each side; of all convolutions or of each.
    pool_size : int or tuple of int, default=2
        Width and step of the max pooling, after all convolutions or after each; 1 for
        none.
    generator : torch.Generator, optional
        Where the initial weights come from; torch's global one by default.
    device, dtype
        As in torch.

    Raises
    ------
    ValueError
        If input_shape has not two to four entries, a tuple has not one entry per
        convolution, an image is too small for a kernel or a pooling, or the activation
        or the prior is unknown.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ard.nn import ConvARD
    >>> ConvARD((1, 8, 8), 10)(torch.zeros(3, 64)).shape
    torch.Size([3, 10])

    LeNet-5-Caffe:

    >>> lenet = ConvARD(
    ...     (1, 28, 28), 10, (20, 50), 5, hidden_layer_sizes=(500,), padding="valid"
    ... )
    >>> sum(layer.weight.numel() for layer in lenet if hasattr(layer, "weight"))
    430500
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_outputs: int,
        conv_channels: Sequence[int] = (16, 32),
        kernel_size: int | Sequence[int] = 3,
        hidden_layer_sizes: Sequence[int] = (64,),
        activation: str = "relu",
        prior: str | Prior = "log_uniform",
        *,
        stride: int | Sequence[int] = 1,
        padding: str | int | Sequence[str | int] = "same",
        pool_size: int | Sequence[int] = 2,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        made_of: dict[str, Any] = {
            "generator": generator,
            "device": device,
            "dtype": dtype,
        }
        if len(input_shape) - 1 not in _CONVOLUTIONS:
            raise ValueError(
                "The 'input_shape' parameter must be (channels, length), (channels, "
                "height, width) or (channels, depth, height, width). "
                f"Got {tuple(input_shape)!r} instead."
            )
        self.input_shape = tuple(input_shape)
        channels, *size = input_shape
        convolution = _CONVOLUTIONS[len(size)]
        pooling = _POOLINGS[len(size)]
        n_layers = len(conv_channels)
        for n_channels, kernel, step, border, pool in zip(
            conv_channels,
            _one_each("kernel_size", kernel_size, n_layers),
            _one_each("stride", stride, n_layers),
            _one_each("padding", padding, n_layers, 0, ("same", "valid")),
            _one_each("pool_size", pool_size, n_layers),
            strict=True,
        ):
            if border == "valid":
                border = 0
            elif border == "same" and step > 1:  # torch has no such padding
                border = kernel // 2
            self.append(
                convolution(
                    channels,
                    n_channels,
                    kernel,
                    step,
                    padding=border,
                    prior=prior,
                    **made_of,
                )
            )
            self.append(make_activation(activation))
            if border != "same":
                size = [(length + 2 * border - kernel) // step + 1 for length in size]
            window = tuple(min(pool, length) for length in size)
            if min(window) < 1:
                raise ValueError(
                    f"The 'kernel_size' parameter must leave something of images of "
                    f"the 'input_shape' {self.input_shape}. Got {kernel_size!r} with "
                    f"stride={stride!r}, padding={padding!r} and pool_size="
                    f"{pool_size!r} instead."
                )
            if max(window) > 1:
                self.append(pooling(window))
            channels = n_channels
            size = [length // width for length, width in zip(size, window, strict=True)]
        self.append(nn.Flatten())
        sizes = channels * math.prod(size), *hidden_layer_sizes, n_outputs
        _append_dense(self, sizes, activation, prior, **made_of)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(-1, *self.input_shape))


def _one_each(
    name: str,
    value: Any,
    n_layers: int,
    smallest: int = 1,
    words: Sequence[str] = (),
) -> list[Any]:
    """A setting per convolution, from one for all or one for each."""
    values = [value] * n_layers if isinstance(value, (Number, str)) else list(value)
    good = all(
        v in words or isinstance(v, Integral) and int(v) >= smallest for v in values
    )
    if not good or len(values) != n_layers:
        options = " or ".join([*map(repr, words), f"an integer of at least {smallest}"])
        raise ValueError(
            f"The {name!r} parameter must be {options}, or one of these for each of "
            f"the {n_layers} convolutions. Got {value!r} instead."
        )
    return values


def _append_dense(
    model: nn.Sequential,
    sizes: Sequence[int],
    activation: str,
    prior: str | Prior,
    **made_of: Any,
) -> None:
    for n_inputs, n_units in pairwise(sizes):
        layer = LinearARD(n_inputs, n_units, prior=prior, **made_of)
        model.append(layer)
        model.append(make_activation(activation))
    del model[-1]
    with torch.no_grad():  # begin near the mean of the targets
        layer.weight.mul_(0.1)
        layer.bias.zero_()
