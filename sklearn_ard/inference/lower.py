"""From a compact torch network to the one that predicts in numpy.

A network that :func:`sklearn_ard.nn.compact` returned comes in, with the inputs that
are made of X and their scaler; a :class:`~sklearn_ard.inference.network.Network` goes
out.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_ard._context import threads_for, usual_torch
from sklearn_ard.data.encoding import Encoding
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.inference.images import Size
from sklearn_ard.inference.modules import CONVOLUTIONS, POOLINGS, Lowering, NotLowered
from sklearn_ard.inference.network import LayerSize, Network, block_rows
from sklearn_ard.inference.operations import Dense, Operation, Sum
from sklearn_ard.inference.posterior import Posterior
from sklearn_ard.nn.chain import NORMS
from sklearn_ard.nn.compaction import Compacted, Parallel, random_chains

_MAX_MEAN = 8.0  # of |mean| / scale, and
_MAX_SCALE = 1e10  # of scale and 1 / scale, for X in float32

# inputs, encoding, fill, mean and scale of a network
_Scaled = tuple[np.ndarray, Encoding, np.ndarray, np.ndarray | None, np.ndarray | None]


class TorchNetwork(Network):
    """A network that only torch can run: the module, a block of rows at a time.

    Parameters
    ----------
    inputs, encoding, fill, mean, scale, n_outputs, n_rows, layers
        As in :class:`~sklearn_ard.inference.network.Network`.
    module : Module
        Takes the standardised inputs.
    why : str
        The module that numpy cannot run.
    """

    def __init__(
        self,
        *scaled: *_Scaled,
        module: nn.Module,
        n_outputs: int,
        n_rows: int,
        layers: dict[str, LayerSize],
        why: str,
    ):
        super().__init__(*scaled, [], n_outputs, n_rows, layers)
        self.module, self.why = module, why

    def outputs_of(self, inputs: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(inputs.T.astype(np.float32, copy=False))
        with usual_torch(), torch.inference_mode(), threads_for(self.module):
            return self.module(x).numpy().T


def lower(
    compacted: Compacted,
    inputs: np.ndarray,
    encoding: Encoding,
    scaler: Scaler,
    n_outputs: int,
) -> Network:
    """Make the network that an estimator predicts with.

    Parameters
    ----------
    compacted : Compacted
        The compact network of the estimator, on any device; its module is moved to the
        CPU and may be changed.
    inputs : ndarray of int
        Inputs that the uncompacted network reads, of all that are made of X.
    encoding : Encoding
        Makes these.
    scaler : Scaler
        Standardises them.
    n_outputs : int
        Number of outputs.

    Returns
    -------
    Network
        In numpy, or a :class:`TorchNetwork` where numpy cannot run a module.
    """
    module, read, layers = compacted
    module = module.to("cpu").to(torch.float32)
    if not isinstance(read, slice):
        inputs = inputs[read.cpu().numpy()]
    mean: np.ndarray | None
    scale: np.ndarray | None
    fill = mean = scaler.mean_[inputs]
    scale = np.where(scaler.constant_[inputs], np.inf, scaler.scale_[inputs])
    if _is_float32_enough(mean, scale):
        mean, scale = mean.astype(np.float32), scale.astype(np.float32)
        if _include_scaling(module, mean, scale):
            mean = scale = None
    widest, positions, image_sizes = measure(
        module, torch.zeros(1, len(inputs), dtype=torch.float32, device="cpu")
    )
    n_rows = block_rows(widest)
    scaled = inputs, encoding.take(inputs), fill, mean, scale
    kept = {name: layer for name, layer in layers.items() if layer in positions}
    lowering = Lowering(image_sizes)
    try:
        operations = lowering(module)
    except NotLowered as error:
        sizes = {name: size_of(la, positions[la]) for name, la in kept.items()}
        return TorchNetwork(
            *scaled,
            module=module,
            n_outputs=n_outputs,
            n_rows=n_rows,
            layers=sizes,
            why=str(error),
        )
    sizes = {
        name: LayerSize.of(*lowering.arrays[layer], positions[layer])
        for name, layer in kept.items()
    }
    return Network(*scaled, operations, n_outputs, n_rows, sizes)


def lower_posterior(
    module: nn.Module, inputs: np.ndarray, network: Network, scaler: Scaler
) -> Posterior | None:
    """Make the networks whose draws tell how uncertain an estimator is.

    Parameters
    ----------
    module : Module
        The trained network with its ARD layers; it is not changed.
    inputs : ndarray of int
        Inputs that it reads, of all that are made of X.
    network : Network
        What :func:`lower` has made of it.
    scaler : Scaler
        Standardises all inputs.

    Returns
    -------
    Posterior or None
        None where only torch can run it.
    """
    if isinstance(network, TorchNetwork):
        return None
    used = np.isin(inputs, network.inputs)
    place = np.cumsum(used) - 1  # of every input among those in use
    members: list[list[Operation]] = []
    for chains in random_chains(module):
        branches = []
        for chain, read, _ in chains:
            chain = chain.eval().requires_grad_(False).to("cpu").to(torch.float32)
            x = torch.zeros(1, len(read), dtype=torch.float32, device="cpu")
            lowering = Lowering(measure(chain, x)[2])
            branches.append((place[read.cpu().numpy()], lowering(chain)))
        members.append([Sum(branches)])
    return Posterior(scaler.take(network.inputs), members, network.n_rows)


def constant_network(output: np.ndarray) -> Network:
    """A network that reads nothing, from its output of shape (n_outputs,)."""
    n_outputs = len(output)
    dense = Dense(np.zeros((n_outputs, 0)), np.asarray(output, float))
    dense.weight = dense.weight.astype(float)  # else the output would be float32
    nothing = np.zeros(0, dtype=np.intp), Encoding.of_numbers(0), np.zeros(0)
    return Network(*nothing, None, None, [dense], n_outputs, block_rows(1), {})


def size_of(layer: Any, n_positions: int) -> LayerSize:
    """Size of a torch layer that is applied to a number of positions of a row."""
    weight = layer.weight.detach().flatten(1).cpu().numpy()
    bias = None if layer.bias is None else layer.bias.detach().cpu().numpy()
    n_inputs = layer.weight.shape[1] * getattr(layer, "groups", 1)
    return LayerSize.of(weight, bias, n_inputs, n_positions)


@torch.no_grad()
def measure(
    module: nn.Module, x: Tensor
) -> tuple[int, dict[nn.Module, int], dict[nn.Module, Size]]:
    """Run a network in evaluation mode on one row, and measure its layers.

    Returns
    -------
    widest : int
        Numbers of a row in the widest layer, inputs and outputs together.
    positions, image_sizes : dict of Module to int and to tuple
        Positions of a row that each layer is applied to; size of the images it reads.
    """
    widths, positions, image_sizes = [x.shape[1]], {}, {}

    def record(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        widths.append(args[0][0].numel() + output[0].numel())
        positions[layer] = math.prod(output.shape[2:])
        image_sizes[layer] = tuple(args[0].shape[2:])

    known = (nn.Linear, *CONVOLUTIONS, *NORMS, *POOLINGS)
    hooks = [
        layer.register_forward_hook(record)
        for layer in module.modules()
        if isinstance(layer, known)
    ]
    try:
        module(x)
    finally:
        for hook in hooks:
            hook.remove()
    return max(widths), positions, image_sizes


def _is_float32_enough(mean: np.ndarray, scale: np.ndarray) -> bool:
    """Whether X in float32 keeps the digits that count after standardisation."""
    used = np.isfinite(scale)
    mean, scale = mean[used], scale[used]
    return (
        np.abs(mean / scale).max(initial=0) <= _MAX_MEAN
        and scale.max(initial=1) <= _MAX_SCALE
        and scale.min(initial=1) >= 1 / _MAX_SCALE
    )


@torch.no_grad()
def _include_scaling(module: nn.Module, mean: np.ndarray, scale: np.ndarray) -> bool:
    """Make standardisation a part of the first layers, where these are linear."""
    if not mean.any() and (scale == 1).all():
        return True
    starts: dict[type, Any] = {
        nn.Sequential: [module],
        Parallel: getattr(module, "networks", []),
    }
    first = [network[0] for network in starts.get(type(module), [])]
    if not first or any(type(layer) is not nn.Linear for layer in first):
        return False
    everything = [torch.arange(len(mean), device="cpu")]
    inputs = module.inputs if type(module) is Parallel else everything
    center, unit = torch.from_numpy(mean).double(), torch.from_numpy(scale).double()
    for layer, indices in zip(first, inputs, strict=True):
        weight = layer.weight.double() / unit[indices]
        layer.bias -= (weight @ center[indices]).to(layer.bias)
        layer.weight.copy_(weight)
    return True
