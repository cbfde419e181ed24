"""Fitted estimators as plain objects: parameters, networks and what made their inputs.

Input: a fitted estimator. Output: its state, of which :data:`ESTIMATORS` makes arrays
and JSON; or the estimator again, which predicts and trains on with the same bits.
"""

import os
from dataclasses import fields
from typing import Any

import pandas as pd
import torch
from sklearn import config_context
from torch import nn

from sklearn_ard._archive import Archive, NotPlain
from sklearn_ard._context import usual_torch
from sklearn_ard.data.blocks import Blocks, Groups
from sklearn_ard.data.targets import Targets
from sklearn_ard.data.training_set import TrainingSet
from sklearn_ard.inference.compression import compress
from sklearn_ard.inference.format import MODELS
from sklearn_ard.nn import (
    ConvARD,
    DenseARD,
    Ensemble,
    LinearARD,
    SkipARD,
)
from sklearn_ard.nn.activations import activation_of, make_activation
from sklearn_ard.nn.chain import MAXIMA
from sklearn_ard.nn.fast.adam import VectorAdam
from sklearn_ard.nn.layers import Conv1dARD, Conv2dARD, Conv3dARD
from sklearn_ard.nn.priors import PRIORS
from sklearn_ard.training.build import make_likelihood
from sklearn_ard.training.checkpoint import of_numpy, of_torch
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.trained import Trained

_GROUPS = "of_column costs stepped required names"
_TRAINED = "inputs support elbo kl relevance interrupted"

ESTIMATORS = Archive(
    {
        "groups": (Groups, _GROUPS),
        "blocks": (Blocks, f"{_GROUPS} of_input"),
        "training_set": (TrainingSet, " ".join(f.name for f in fields(TrainingSet))),
        **{f"prior_{name}": (prior, "threshold") for name, prior in PRIORS.items()},
    },
    parent=MODELS,
)

_METHODS = "fit", "partial_fit", "predict", "score"  # that take metadata
_CONTAINERS = {"dense": DenseARD, "convolutional": ConvARD}
_LAYERS = {  # the arguments of each, which are its attributes
    "linear": (LinearARD, "in_features out_features"),
    **{
        f"convolution_{n}d": (
            layer,
            "in_channels out_channels kernel_size stride padding",
        )
        for n, layer in enumerate((Conv1dARD, Conv2dARD, Conv3dARD), start=1)
    },
    **{f"max_pool_{n}d": (p, "kernel_size") for n, p in enumerate(MAXIMA, start=1)},
    "flatten": (nn.Flatten, ""),
}


@usual_torch()
def plain_estimator(estimator: Any) -> dict[str, Any]:
    """The state of a fitted estimator, without what the rest determines.

    Raises
    ------
    ValueError
        If a parameter is no data; it is named.
    """
    fitted, public = estimator._fitted, vars(estimator).items()
    attributes = {k: v for k, v in public if k.endswith("_") and k != "net_"}
    if "candidates_" in attributes:
        frame = attributes["candidates_"]
        attributes["candidates_"] = {name: frame[name].tolist() for name in frame}
    return {
        "parameters": _plain_parameters(estimator),
        "requests": _requests(estimator),
        "attributes": attributes,
        "net": _plain_net(fitted.trained.net),
        "trained": {name: getattr(fitted.trained, name) for name in _TRAINED.split()},
        "data": fitted.data,
        "n_steps": fitted.n_steps,
        "noise": fitted.noise,
        "noise_std": fitted.noise_std,
    }


@usual_torch()
def set_estimator(estimator: Any, state: dict[str, Any]) -> None:
    """Give a new estimator a state of :func:`plain_estimator`; networks on the CPU."""
    estimator.set_params(**state["parameters"])
    with config_context(enable_metadata_routing=True):
        for method, requests in state["requests"].items():
            getattr(estimator, f"set_{method}_request")(**requests)
    net = _net_of(state["net"], state["data"].targets)
    trained = Trained(net, **state["trained"])
    rest = (state[name] for name in ("data", "n_steps", "noise", "noise_std"))
    estimator._set_fitted(compress(trained, *rest))
    attributes = dict(state["attributes"])
    if "candidates_" in attributes:
        frame = pd.DataFrame(attributes["candidates_"], dtype=object)
        attributes["candidates_"] = frame
    vars(estimator).update(attributes)


def _plain_parameters(estimator: Any) -> dict[str, Any]:
    """Parameters as data; paths and devices are strings."""
    parameters = estimator.get_params(deep=False)
    for name, value in parameters.items():
        if isinstance(value, torch.device):
            parameters[name] = str(value)
        if isinstance(value, os.PathLike):
            parameters[name] = os.fspath(value)
        try:
            ESTIMATORS.pack(parameters[name])
        except NotPlain as error:
            owner = type(estimator).__name__
            raise ValueError(
                f"{owner} can be saved if its parameters are numbers, strings, lists "
                f"or arrays of these, or priors of sklearn_ard.nn. Got {name!r} with "
                f"{error}. Save what predicts, by compact().save, or pickle the "
                "estimator."
            ) from error
    return parameters


def _requests(estimator: Any) -> dict[str, dict[str, Any]]:
    """Metadata that methods request, where `set_fit_request` or so was called."""
    requests = vars(estimator).get("_metadata_request")
    if requests is None:
        return {}
    given = {name: getattr(requests, name).requests for name in _METHODS}
    return {name: dict(each) for name, each in given.items() if each}


def _plain_net(net: ARDNet) -> dict[str, Any]:
    criterion, optimizer = net.criterion_, net.optimizer_
    return of_numpy(
        {
            "network": _described(net.module_),
            "weights": dict(net.module_.state_dict()),
            "num_data": criterion.num_data,
            "reg_factor": criterion.reg_factor,
            "criterion": dict(criterion.state_dict()),
            "lr": net.lr,
            "history": [dict(row) for row in net.history],
            "optimizer": None if optimizer is None else _plain_optimizer(optimizer),
        }
    )


def _net_of(state: dict[str, Any], targets: Targets) -> ARDNet:
    network = _made(state["network"])
    network.load_state_dict(of_torch(state["weights"]))
    net = ARDNet(
        network.eval(),
        criterion__num_data=state["num_data"],
        criterion__likelihood=make_likelihood(targets),
        criterion__reg_factor=state["reg_factor"],
        lr=state["lr"],
    ).initialize()
    net.criterion_.load_state_dict(of_torch(state["criterion"]))
    net.history_[:] = state["history"]
    if state["optimizer"] is not None:
        net.optimizer_ = _optimizer_of(of_torch(state["optimizer"]))
    return net


def _plain_optimizer(optimizer: VectorAdam) -> dict[str, Any]:
    (group,) = optimizer.param_groups
    return {
        "parameter": group["params"][0],
        "lr": group["lr"],
        "mean": optimizer.mean,
        "square": optimizer.square,
        "n_steps": optimizer.n_steps,
    }


def _optimizer_of(state: dict[str, Any]) -> VectorAdam:
    parameter = nn.Parameter(state["parameter"])
    parameter.grad = torch.zeros_like(parameter)
    optimizer = VectorAdam(parameter, state["lr"])
    optimizer.load(state["mean"], state["square"], state["n_steps"])
    return optimizer


def _described(module: nn.Module) -> dict[str, Any]:
    """The kind of a network and the arguments that make it, without its weights."""
    if type(module) is Ensemble:
        return {"kind": "ensemble", "parts": [*map(_described, module.networks)]}
    if type(module) is SkipARD:
        parts = [_described(module.network), _described(module.linear)]
        return {"kind": "skip", "parts": parts}
    for kind, cls in _CONTAINERS.items():
        if isinstance(module, nn.Sequential) and type(module) is cls:
            shape = getattr(module, "input_shape", None)
            parts = [*map(_described, module)]
            return {"kind": kind, "parts": parts, "input_shape": shape}
    for kind, (cls, names) in _LAYERS.items():
        if type(module) is cls:
            given = {name: getattr(module, name) for name in names.split()}
            if hasattr(module, "prior"):
                given |= {"bias": module.bias is not None, "prior": module.prior}
            return {"kind": kind, "arguments": given}
    activation = activation_of(module)
    assert activation is not None
    return {"kind": "activation", "name": activation.name}


def _made(described: dict[str, Any]) -> nn.Module:
    """The network of what :func:`_described` has returned."""
    kind = described["kind"]
    if kind == "activation":
        return make_activation(described["name"])
    if kind in _LAYERS:
        layer, arguments = _LAYERS[kind][0], described["arguments"]
        if "prior" in arguments:  # the weights are loaded later
            arguments = {**arguments, "generator": torch.Generator("cpu")}
        return layer(**arguments)
    parts = [_made(part) for part in described["parts"]]
    if kind == "ensemble":
        return Ensemble(parts)
    cls: Any = SkipARD if kind == "skip" else _CONTAINERS[kind]
    made = cls.__new__(cls)
    if kind == "skip":
        nn.Module.__init__(made)
        made.network, made.linear = parts
        return made
    nn.Sequential.__init__(made, *parts)
    if described["input_shape"] is not None:
        made.input_shape = described["input_shape"]
    return made
