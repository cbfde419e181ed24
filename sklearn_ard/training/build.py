"""The network that the parameters of an estimator define.

Input: an :class:`Architecture` and the numbers of inputs and outputs. Output: a torch
network with new weights.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_ard.data.noise import Noise
from sklearn_ard.data.targets import NumericTargets, Targets
from sklearn_ard.nn import (
    ConvARD,
    DenseARD,
    Prior,
    SkipARD,
    ard_layers,
    to_ard,
)
from sklearn_ard.nn.likelihoods import LIKELIHOODS
from sklearn_ard.nn.likelihoods.base import Likelihood
from sklearn_ard.nn.noise import drawn_from

_LOG_OF_NOTHING = -30.0  # logit of a class without rows


@dataclass(frozen=True)
class Architecture:
    """The parameters of an estimator that describe its network; see there."""

    hidden_layer_sizes: tuple
    activation: str
    skip_connection: bool
    input_shape: tuple | None
    conv_channels: tuple
    kernel_size: int | tuple
    stride: int | tuple
    padding: int | str | tuple
    pool_size: int | tuple
    module: nn.Module | Callable | None
    prior: str | Prior

    @property
    def is_resizable(self) -> bool:
        """Whether networks of this kind can read fewer columns."""
        return self.module is None and self.input_shape is None


def make_network(
    architecture: Architecture,
    n_inputs: int,
    n_outputs: int,
    generator: torch.Generator,
) -> nn.Module:
    """A network with new weights; for a given network, a copy.

    Parameters
    ----------
    architecture : Architecture
        Describes the network.
    n_inputs, n_outputs : int
        Numbers of inputs and outputs.
    generator : torch.Generator
        Draws the weights; on the CPU.

    Returns
    -------
    Module
        On the CPU.

    Raises
    ------
    ValueError
        If no network has these parameters.
    """
    if architecture.module is not None:
        return _users_network(architecture, n_inputs, n_outputs, generator)
    try:
        return _own_network(architecture, n_inputs, n_outputs, generator)
    except (OverflowError, RuntimeError, TypeError) as error:
        names = ["hidden_layer_sizes"]
        if architecture.input_shape is not None:
            names += ["conv_channels", "kernel_size", "stride", "padding", "pool_size"]
        sizes = ", ".join(f"{name}={getattr(architecture, name)!r}" for name in names)
        raise ValueError(
            f"The {names[0]!r} parameter, and those of convolutions, must be sizes of "
            f"a network that torch can make. Got {sizes}: {error}"
        ) from error


def _own_network(
    architecture: Architecture,
    n_inputs: int,
    n_outputs: int,
    generator: torch.Generator,
) -> nn.Module:
    """The network of the parameters, without ``module``."""
    prior, activation = architecture.prior, architecture.activation
    sizes = architecture.hidden_layer_sizes
    made_of: dict[str, Any] = {
        "generator": generator,
        "device": "cpu",
        "dtype": torch.float32,
    }
    if architecture.input_shape is not None:
        return ConvARD(
            architecture.input_shape,
            n_outputs,
            architecture.conv_channels,
            architecture.kernel_size,
            sizes,
            activation,
            prior,
            stride=architecture.stride,
            padding=architecture.padding,
            pool_size=architecture.pool_size,
            **made_of,
        )
    network = DenseARD(n_inputs, n_outputs, sizes, activation, prior, **made_of)
    if architecture.skip_connection and sizes:
        return SkipARD(network, n_inputs, n_outputs, prior, **made_of)
    return network


def make_likelihood(targets: Targets, noise: Noise | None = None) -> Likelihood:
    """A likelihood of targets.

    Parameters
    ----------
    targets : NumericTargets or ClassTargets
        Of y.
    noise : Noise, optional
        Its parameters; by default those of a model without inputs.

    Returns
    -------
    Likelihood
        On the CPU.
    """
    if not isinstance(targets, NumericTargets):
        return LIKELIHOODS["categorical"]()
    noise = targets.empty_noise_ if noise is None else noise
    likelihood = LIKELIHOODS[noise.likelihood](targets.n_targets)
    likelihood = likelihood.to_empty(device="cpu").float()  # all of it is loaded
    state = {name: torch.from_numpy(value) for name, value in noise.learned.items()}
    likelihood.load_state_dict(state)
    return likelihood


def noise_of(likelihood: nn.Module, targets: Targets) -> Noise | None:
    """The noise that a likelihood of targets has learned; None of classes."""
    if not isinstance(targets, NumericTargets):
        return None
    state = {
        name: value.cpu().double().numpy()
        for name, value in likelihood.state_dict().items()
    }
    return type(targets.empty_noise_)(**state)


def empty_output(targets: Targets, n_rows: int, device: torch.device) -> Tensor:
    """Outputs of a model without inputs, of shape (n_rows, n_outputs)."""
    output = torch.from_numpy(targets.empty_output_).float().to(device)
    return output.clamp(min=_LOG_OF_NOTHING).expand(n_rows, -1).contiguous()


def _users_network(
    architecture: Architecture,
    n_inputs: int,
    n_outputs: int,
    generator: torch.Generator,
) -> nn.Module:
    """The network of the user's ``module``, checked and converted to ARD layers."""
    module, shape = architecture.module, architecture.input_shape
    if isinstance(module, nn.Module):
        model = copy.deepcopy(module).to("cpu", torch.float32)
        if shape is not None:
            model = nn.Sequential(nn.Unflatten(1, shape), model)
    else:
        with _float32_by_default(), torch.device("cpu"), drawn_from(generator):
            model = _called(module, shape or n_inputs, n_outputs)
        if not isinstance(model, nn.Module):
            raise ValueError(
                "The 'module' parameter must be a torch.nn.Module, or a callable that "
                f"returns one. Got {model!r} from it instead."
            )
    if not ard_layers(model):
        model = to_ard(model, architecture.prior)
    _check_sizes(model, n_inputs, shape, n_outputs)
    return model.train()


def _called(module: Any, size: int | tuple[int, ...], n_outputs: int) -> Any:
    """What a callable ``module`` returns."""
    try:
        return module(size, n_outputs)
    except TypeError as error:
        raise ValueError(
            "The 'module' parameter must be a torch.nn.Module, or a callable of the "
            "number of inputs (or the 'input_shape') and of outputs. Got "
            f"{module!r}, which fails: {error}"
        ) from error


@contextmanager
def _float32_by_default() -> Iterator[None]:
    """Context for the user's code that makes a network."""
    before = torch.get_default_dtype()
    if before is not torch.float32:  # it is the same in all Python threads
        torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        if before is not torch.float32:
            torch.set_default_dtype(before)


def _check_sizes(
    model: nn.Module, n_inputs: int, shape: tuple[int, ...] | None, n_outputs: int
) -> None:
    """Check a user's network on two rows."""
    rows = f"{n_inputs} columns" if shape is None else f"images of shape {shape}"
    first = ard_layers(model)[0]
    try:
        with torch.no_grad():
            x = torch.zeros(2, n_inputs, dtype=torch.float32, device="cpu")
            output = model.eval()(x)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        n_read = first.weight.shape[1] * getattr(first, "groups", 1)
        kind = type(first).__name__.removesuffix("ARD")
        hint = ""
        if shape is None and kind != "Linear":
            hint = " For images, set the 'input_shape' parameter."
        raise ValueError(
            f"The 'module' parameter must be a network that takes the rows of X, "
            f"{rows}. Got one instead whose first layer, {kind}, takes {n_read} inputs "
            f"(error of torch: {error}).{hint}"
        ) from error
    output = tuple(getattr(output, "shape", [type(output).__name__]))
    if output != (2, n_outputs):
        raise ValueError(
            f"The 'module' parameter must be a network with {n_outputs} outputs, of "
            f"shape (2, {n_outputs}) for 2 rows of X. Got one with outputs of shape "
            f"{output} instead. (A 'likelihood' whose spread depends on the inputs "
            "needs two per target.)"
        )
