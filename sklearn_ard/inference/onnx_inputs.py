"""The inputs of a network, made of columns of X in an ONNX graph.

The encoding of a network comes in, with the levels of the categories; the nodes that
encode raw columns, and fill in what nothing is known of, go out.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from sklearn_ard.data.encoding import BIN, GAP
from sklearn_ard.data.levels import UNKNOWN, Levels
from sklearn_ard.inference.network import Network

ML = "ai.onnx.ml"  # the domain of LabelEncoder
ML_OPSET = 4  # the first that encodes numbers of type double


def declare_inputs(
    graph: Any,
    n_features: int,
    dtype: DTypeLike,
    levels: dict[int, Levels] | None,
    names: np.ndarray | None,
) -> None:
    """Add the inputs of the graph: X, or every column if some are categories.

    Parameters
    ----------
    graph : Graph
        Without inputs.
    n_features, dtype, levels, names
        As in :func:`sklearn_ard.inference.onnx.write_onnx`.
    """
    if not levels:
        return graph.input("X", dtype, n_features)
    for j in range(n_features):
        of_strings = j in levels and not levels[j].are_numbers
        name = f"x{j}" if names is None else str(names[j])
        graph.input(name, object if of_strings else dtype, 1)


def write_inputs(
    graph: Any, network: Network, levels: dict[int, Levels] | None, dtype: DTypeLike
) -> None:
    """Write what makes the inputs of the network, before they are scaled.

    Parameters
    ----------
    graph : Graph
        With its inputs.
    network : Network
        One that reads some columns.
    levels, dtype
        As in :func:`sklearn_ard.inference.onnx.write_onnx`.
    """
    column = network.encoding.column
    if not levels:
        graph.add("Gather", column.astype(np.int64), axis=1)
        _write_numbers(graph, network, np.arange(len(column)), dtype)
        return
    is_category = np.isin(column, list(levels))
    order, values = [], []
    if not is_category.all():
        order.append(np.flatnonzero(~is_category))
        names = [graph.inputs[j].name for j in column[~is_category]]
        graph.add("Concat", *names[1:], source=names[0], axis=1)
        values.append(_write_numbers(graph, network, ~is_category, dtype))
    for j in np.unique(column[is_category]):
        order.append(np.flatnonzero(column == j))
        graph.value = graph.inputs[j].name
        _write_code(graph, levels[j], dtype)
        values.append(_write_indicators(graph, network, column == j, levels[j]))
    if len(values) > 1:
        graph.add("Concat", *values[1:], source=values[0], axis=1)
        graph.add("Gather", np.argsort(np.concatenate(order)), axis=1)


def _write_numbers(
    graph: Any, network: Network, inputs: np.ndarray, dtype_of_x: DTypeLike
) -> str:
    """These inputs of the network, from their columns side by side."""
    level, dtype = network.encoding.level[inputs], _dtype_of(network)
    if_missing = np.where(level == GAP, 1, network.fill[inputs]).astype(dtype)
    value = graph.value
    missing = graph.add("IsNaN")
    graph.value = value
    if (level == BIN).any():  # in the dtype of X, which may have more digits
        lower, upper = network.encoding.bounds[:, inputs].astype(dtype_of_x)
        graph.add("Max", lower[None])
        graph.add("Min", upper[None])
        offset = np.clip(np.zeros_like(lower), lower, upper)
        graph.add("Sub", offset[None])
    value = graph.cast(dtype)
    if (level == GAP).any():  # 0 for them where the number is known
        value = graph.add("Mul", (level != GAP).astype(dtype)[None], source=value)
    return graph.add("Where", if_missing[None], value, source=missing)


def _write_code(graph: Any, levels: Levels, dtype: DTypeLike) -> None:
    """The code of the level of a category; NaN and "" are missing values."""
    known, codes = levels.known_, levels.codes_
    missing = np.nan if levels.are_numbers else ""
    if missing not in known:
        known, codes = np.append(known, missing), np.append(codes, levels.missing_code_)
    if levels.are_numbers:
        known = known.astype(dtype)
        if len(np.unique(known)) < len(known):
            raise ValueError(
                f"The 'dtype' parameter of {graph.owner}.to_onnx must be numpy.float64 "
                f"where levels of {graph.value!r} are the same in float32. Got "
                f"{dtype!r} instead."
            )
    graph.add(
        "LabelEncoder",
        domain=ML,
        keys_tensor=graph.tensor(known),
        values_tensor=graph.tensor(codes.astype(np.int64)),
        default_tensor=graph.tensor(np.array([UNKNOWN])),
    )


def _write_indicators(
    graph: Any, network: Network, inputs: np.ndarray, levels: Levels
) -> str:
    """These inputs of the network, from the code of their column."""
    is_level = np.arange(levels.n_codes_)[:, None] == network.encoding.level[inputs]
    # the last row is that of code -1, about which nothing is known
    rows = np.vstack([is_level, network.fill[inputs]]).astype(_dtype_of(network))
    codes = graph.value
    return graph.add("GatherND", codes, source=graph.constant(rows))


def _dtype_of(network: Network) -> DTypeLike:
    """The dtype in which inputs are made and scaled."""
    return np.float32 if network.mean is None else network.mean.dtype
