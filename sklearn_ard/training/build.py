"""The network and the net that an estimator's parameters ask for."""

import copy
from functools import partial
from numbers import Integral

import torch
from torch import nn

from sklearn_ard.nn import ConvARD, DenseARD, SkipARD, ard_layers, to_ard
from sklearn_ard.training.net import ARDNet


def build_net(estimator, n_inputs, n_outputs, num_data, likelihood):
    """An initialised net of the given number of inputs.

    Parameters
    ----------
    estimator : ARDRegressor or ARDClassifier
        Whose parameters count.
    n_inputs, n_outputs : int
        Number of inputs and outputs of the network.
    num_data : float
        Number of training samples, or the sum of their weights.
    likelihood : Module
        Negative log-likelihood of a sample.

    Returns
    -------
    ARDNet
        Not trained yet.

    Raises
    ------
    ValueError
        If a parameter asks for what cannot be.
    """
    sizes = sizes_of(estimator, "hidden_layer_sizes")
    shape = (
        None if estimator.input_shape is None else sizes_of(estimator, "input_shape")
    )
    if estimator.module is not None:
        module = partial(
            _user_module, estimator.module, estimator.prior, n_inputs, shape, n_outputs
        )
    elif shape is not None:
        module = partial(
            ConvARD,
            shape,
            n_outputs,
            sizes_of(estimator, "conv_channels"),
            estimator.kernel_size,
            sizes,
            estimator.activation,
            estimator.prior,
            stride=estimator.stride,
            padding=estimator.padding,
            pool_size=estimator.pool_size,
        )
    else:
        module = partial(
            _make_dense,
            n_inputs,
            n_outputs,
            sizes,
            estimator.activation,
            estimator.prior,
            estimator.skip_connection,
        )
    for callback in estimator.callbacks or ():
        named = callback[-1] if isinstance(callback, tuple) else callback
        if not hasattr(named, "on_epoch_end"):
            raise ValueError(
                f"The 'callbacks' parameter of {type(estimator).__name__} must hold "
                f"skorch callbacks. Got {callback!r} instead."
            )
    net = ARDNet(
        module,
        criterion__num_data=float(num_data),
        criterion__likelihood=likelihood,
        criterion__reg_factor=estimator.reg_factor,
        lr=estimator.learning_rate_init,
        device=estimator._device,
        callbacks=estimator.callbacks or (),
    )
    return net.initialize()


def sizes_of(estimator, name):
    """A parameter that holds positive integers, as a tuple."""
    value = getattr(estimator, name)
    sizes = (value,) if isinstance(value, Integral) else tuple(value)
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(
            f"The {name!r} parameter of {type(estimator).__name__} must hold positive "
            f"integers. Got {value!r} instead."
        )
    return sizes


def _make_dense(n_inputs, n_outputs, sizes, activation, prior, skip_connection):
    network = DenseARD(n_inputs, n_outputs, sizes, activation, prior)
    if skip_connection and sizes:
        return SkipARD(network, n_inputs, n_outputs, prior)
    return network


def _user_module(module, prior, n_inputs, shape, n_outputs):
    """The network of the user's ``module``, if it is one that can be trained."""
    if isinstance(module, nn.Module):
        model = copy.deepcopy(module).to("cpu", torch.float32)
        if shape is not None:
            model = nn.Sequential(nn.Unflatten(1, shape), model)
    else:
        model = module(shape or n_inputs, n_outputs)
        if not isinstance(model, nn.Module):
            raise ValueError(
                "The 'module' parameter must be a torch.nn.Module, or a callable that "
                f"returns one. Got {model!r} from it instead."
            )
    if not ard_layers(model):
        model = to_ard(model, prior)
    _check_sizes(model, n_inputs, shape, n_outputs)
    return model.train()


def _check_sizes(model, n_inputs, shape, n_outputs):
    """Try a network of the user's on two rows."""
    rows = f"{n_inputs} columns" if shape is None else f"images of shape {shape}"
    first = ard_layers(model)[0]
    try:
        with torch.no_grad():
            output = model.eval()(torch.zeros(2, n_inputs))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        n_read = first.weight.shape[1] * getattr(first, "groups", 1)
        kind = type(first).__name__.removesuffix("ARD")
        hint = ""
        if shape is None and kind != "Linear":
            hint = " For images, set the 'input_shape' parameter."
        raise ValueError(
            f"The 'module' parameter must be a network that takes the rows of X, "
            f"{rows}. Got one instead whose first layer, {kind}, takes {n_read} inputs "
            f"(torch says: {error}).{hint}"
        ) from error
    output = tuple(getattr(output, "shape", [type(output).__name__]))
    if output != (2, n_outputs):
        raise ValueError(
            f"The 'module' parameter must be a network with {n_outputs} outputs, of "
            f"shape (2, {n_outputs}) for 2 rows of X. Got one with outputs of shape "
            f"{output} instead."
        )
