"""Sizes of a network before and after compaction, layer by layer."""

import pandas as pd
import torch
from torch import nn

from sklearn_ard.inference.lower import measure, size_of
from sklearn_ard.inference.network import LayerSize, Network
from sklearn_ard.nn import ARDMixin, input_layers

_WEIGHTED = (ARDMixin, nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_OF_LAYERS = ["inputs", "units"]  # not defined for the total
_NOTHING = LayerSize(0, 0, 0, 0, 0)


def compression_report(
    module: nn.Module, network: Network, n_features: int, n_read: int
) -> pd.DataFrame:
    """Sizes before and after, as a table.

    Parameters
    ----------
    module : Module
        The network that was trained.
    network : Network
        The compact network.
    n_features, n_read : int
        Columns of X, and those of them that the module reads.

    Returns
    -------
    DataFrame
        See :meth:`ARDRegressor.compression_report`.
    """
    before = _sizes(module, n_features, n_read)
    after = {name: network.layers.get(name, _NOTHING) for name in before}
    sizes = {"before": before, "after": after}
    tables = {}
    for when, layers in sizes.items():
        table = pd.DataFrame(layers, index=LayerSize._fields, dtype="Int64").T
        table.loc["total"] = table.sum()
        table.loc["total", _OF_LAYERS] = pd.NA
        tables[when] = table
    tables["ratio"] = tables["before"] / tables["after"].astype("Float64")
    report = pd.concat(tables, axis=1).swaplevel(axis=1)[list(LayerSize._fields)]
    report.index.name = "layer"
    return report.drop(columns=[(name, "ratio") for name in _OF_LAYERS])


def _sizes(module: nn.Module, n_features: int, n_read: int) -> dict[str, LayerSize]:
    """Size of every layer, as if the network read all columns."""
    device = next(module.parameters()).device
    x = torch.zeros(1, n_read, dtype=torch.float32, device=device)
    positions = measure(module, x)[1]
    first = input_layers(module, x) if n_read < n_features else {}
    sizes = {}
    for name, layer in module.named_modules():
        if not isinstance(layer, _WEIGHTED):
            continue
        size = size_of(layer, positions.get(layer, 0))
        if layer in first:  # a linear one: others read everything
            more = (n_features - n_read) * size.units
            size = LayerSize(
                n_features,
                size.units,
                size.weights + more,
                size.multiply_adds + more,
                size.bytes + 4 * more,
            )
        sizes[name] = size
    return sizes
