"""The activations that are computed without torch, by name.

A name from the table of :mod:`sklearn_ard.nn.activations` comes in; the function on
numpy arrays and the ONNX nodes of the same function go out.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf, expit


class Function(NamedTuple):
    """An elementwise function of numbers and, for some, of one parameter."""

    compute: Callable  # (x, parameter) to an array; x may be overwritten
    write: Callable  # (graph, parameter); adds nodes to an ONNX graph


def _write_relu(graph: Any, floor: np.ndarray) -> None:
    if floor.any():
        graph.add("Max", floor.T)
    else:
        graph.add("Relu")


def _write_silu(graph: Any, _: np.ndarray) -> None:
    x = graph.value
    graph.add("Sigmoid")
    graph.add("Mul", x)


def _write_gelu(graph: Any, _: np.ndarray) -> None:
    x = graph.value
    graph.add("Mul", np.array(math.sqrt(0.5), np.float32))
    graph.add("Erf")
    graph.add("Add", np.array(1, np.float32))
    graph.add("Mul", x)
    graph.add("Mul", np.array(0.5, np.float32))


FUNCTIONS = {
    "relu": Function(lambda x, floor: np.maximum(x, floor, out=x), _write_relu),
    "leaky_relu": Function(
        lambda x, slope: np.where(x > 0, x, slope * x),
        lambda graph, slope: graph.add("LeakyRelu", alpha=float(slope)),
    ),
    "elu": Function(
        lambda x, scale: np.where(x > 0, x, scale * np.expm1(np.minimum(x, 0))),
        lambda graph, scale: graph.add("Elu", alpha=float(scale)),
    ),
    "tanh": Function(
        lambda x, _: np.tanh(x, out=x), lambda graph, _: graph.add("Tanh")
    ),
    "logistic": Function(
        lambda x, _: expit(x, out=x), lambda graph, _: graph.add("Sigmoid")
    ),
    "silu": Function(lambda x, _: x * expit(x), _write_silu),
    "gelu": Function(
        lambda x, _: x * (0.5 + 0.5 * erf(x * np.float32(math.sqrt(0.5)))),
        _write_gelu,
    ),
}
