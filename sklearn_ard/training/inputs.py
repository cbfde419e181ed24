"""Inputs in use: their pruning, readmission and relevance, block by block.

Input: a trained net and its task. Output: masks of the inputs, or nats per block.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_ard.nn import (
    input_layers,
    live_inputs,
    mask_unread_units_,
    prune_,
    weigh_inputs,
)
from sklearn_ard.nn.fast.live_network import LiveNetwork
from sklearn_ard.training.build import empty_output, make_likelihood
from sklearn_ard.training.net import ARDNet
from sklearn_ard.training.task import Task

SAMPLE = 20_000  # rows from which the bound and the residuals are estimated
MAX_INPUTS = 20_000  # that a network begins with; of more, some are chosen before
MIN_SCREENED = 1_000  # blocks that are chosen then, at least
_EPS = 1e-12


def prune(task: Task, net: ARDNet, inputs: np.ndarray, *, weigh: bool) -> np.ndarray:
    """Prune weights, then blocks of inputs that are not worth their price.

    Parameters
    ----------
    task : Task
        What was trained.
    net : ARDNet
        It is changed.
    inputs : ndarray of int
        Inputs that it reads.
    weigh : bool
        Whether blocks are dropped for their price; else only inputs that the prior has
        pruned are.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for the inputs in use.
    """
    module, data = net.module_, task.batches.select(inputs)
    prune_(module)
    if weigh and task.has_prices:
        live = LiveNetwork(module)
        _drop(task, net, live, inputs)
        live.write_masks_back()
        mask_unread_units_(module)
    support = np.zeros(task.n_inputs, dtype=bool)
    support[inputs] = in_use(module, data.head()) & task.varies[inputs]
    return support


def _drop(task: Task, net: ARDNet, live: LiveNetwork, inputs: np.ndarray) -> None:
    """Mask blocks that are not worth their price, and then single inputs of the others.

    The price of a block depends on how many are kept (Benjamini and Hochberg 1995): of
    all, those go that are not worth the price of so many; of the others, those that are
    not worth the price of fewer; until none goes.

    An input has to be worth the price of its block, too, but all that are dropped may
    cost a block no more than what it is worth beyond its price.
    """
    blocks, size = task.blocks, np.bincount(task.blocks.of_input)
    n_kept, n_before = len(np.unique(blocks.of_input[_read_by(live, inputs)])), None
    while n_kept != n_before:  # the step-up rule: prices rise as blocks go
        prices = task.prices_of(n_kept)
        costs = np.where(blocks.required, -np.inf, prices)
        read, nats = _weigh(task, net, live, inputs, costs)
        is_kept = (nats != 0) | blocks.required[blocks.of_input[read]]
        n_before, n_kept = n_kept, len(np.unique(blocks.of_input[read[is_kept]]))
        if not blocks.stepped.any():
            break
    block = blocks.of_input[read]
    if (size[block] == 1).all() or task.architecture.input_shape is not None:
        return
    beyond = (nats - prices[block]) / size[block]
    costs = np.full(task.n_inputs, -np.inf)
    costs[read] = np.where(size[block] > 1, np.minimum(prices[block], beyond), -np.inf)
    _weigh(task, net, live, inputs, costs, of_input=np.arange(task.n_inputs))


def in_use(module: nn.Module, x: Tensor) -> np.ndarray:
    """Which inputs of a network are in use; all of them where this is unknown.

    Parameters
    ----------
    module : Module
        A network.
    x : Tensor of shape (n, n_inputs)
        A few rows of inputs.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for those that a live weight reads, or that are read elsewhere.
    """
    layers = input_layers(module, x)
    live = live_inputs(layers).cpu().numpy() if layers else np.ones(1, dtype=bool)
    return np.repeat(live, x.shape[1] // len(live)) | _read_elsewhere(module, x)


def _read_elsewhere(module: nn.Module, x: Tensor) -> np.ndarray:
    """Inputs on which the outputs depend, also by paths without ARD layers."""
    # a copy, for modules that work in place; weights, since outputs may sum to 1
    x = x.clone().requires_grad_()
    output = module.eval()(x.clone())
    output = (output * torch.arange(1, output.shape[1] + 1, device=x.device)).sum()
    (slope,) = torch.autograd.grad(output, x, allow_unused=True, materialize_grads=True)
    return (slope != 0).any(dim=0).cpu().numpy()


def relevance_of(
    task: Task, net: ARDNet, inputs: np.ndarray, support: np.ndarray
) -> np.ndarray:
    """Nats that each block is worth.

    Parameters
    ----------
    task, net, inputs
        As in :func:`prune`.
    support : bool ndarray of shape (n_inputs,)
        True for the inputs in use.

    Returns
    -------
    ndarray of shape (n_blocks,)
        0 for blocks that are not in use.
    """
    relevance, blocks = np.zeros(len(task.blocks)), task.blocks
    if support.any():
        read, nats = _weigh(task, net, LiveNetwork(net.module_), inputs)
        relevance[blocks.of_input[read]] = nats.clip(min=0)
    return np.where(blocks.having(support), relevance, 0.0)


def _weigh(
    task: Task,
    net: ARDNet,
    live: LiveNetwork,
    inputs: np.ndarray,
    costs: np.ndarray | None = None,
    of_input: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Weigh blocks of inputs by :func:`weigh_inputs`; with costs, mask some of them.

    Parameters
    ----------
    task, net, inputs
        As in :func:`prune`.
    live : LiveNetwork
        Of the network; it is changed.
    costs : ndarray of shape (n_blocks,), optional
        Price of each block in nats.
    of_input : int ndarray of shape (n_inputs,), optional
        Other blocks than those of the task.

    Returns
    -------
    read : ndarray of int
        Inputs that the live network reads.
    nats : ndarray of the same shape
        What the block of each is worth. Blocks that are weighed as one, the pixels of a
        channel, share what it is worth.
    """
    if of_input is None:
        of_input = task.blocks.of_input
    data = task.batches.select(inputs)
    x, target, weight = data.sample(SAMPLE, task.generators.cpu)
    x, read = live.rows(x), _read_by(live, inputs)
    layers = input_layers(live.network, x[:2]) if len(read) else {}
    if not layers:
        return read, np.zeros(len(read))
    per_unit = len(read) // len(live_inputs(layers))  # pixels of a channel, or 1
    labels, groups = np.unique(of_input[read][::per_unit], return_inverse=True)
    nats = weigh_inputs(
        live.network,
        net.criterion_,
        x,
        target,
        weight,
        cost=None if costs is None else torch.from_numpy(costs[labels]),
        groups=torch.from_numpy(groups).to(x.device),
        generator=task.generators.device,
    )
    shared_by = len(np.unique(of_input[read])) / len(labels)
    values = nats.cpu().numpy().astype(np.float64)[groups] / shared_by
    return read, np.repeat(values, per_unit)


def _read_by(live: LiveNetwork, inputs: np.ndarray) -> np.ndarray:
    """Inputs that the live part of a network reads."""
    return inputs if live.inputs is None else inputs[live.inputs.cpu().numpy()]


def readmitted(task: Task, trained: Any) -> np.ndarray:
    """Inputs of blocks that the residuals of a network depend on, beyond their price.

    A score test: the gradient of the NLL with respect to the outputs of the network is
    the residual. A dropped block is readmitted if one of its inputs, or the square of
    one, is correlated with the residual.

    Parameters
    ----------
    task : Task
        What was trained.
    trained : Trained
        The network.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for blocks for which -N/2 · log(1 - r²) exceeds the price by the cost of
        encoding an index, log(n_blocks), with the largest r² of these terms and of all
        outputs.

    References
    ----------
    Rao (1948). Large sample tests of statistical hypotheses concerning several
    parameters. Proc. Cambridge Phil. Soc. 44.
    """
    net, data = trained.net, task.batches.select(trained.inputs)
    rows = data.draw(SAMPLE, task.generators.cpu)
    x, (target, weight) = data.rows(rows)
    live = LiveNetwork(net.module_)
    with torch.no_grad():
        output = live.network.eval()(live.rows(x))
    nats = _score_test(task, rows, output, target, weight, net.criterion_.likelihood)
    margin = task.reg_factor * np.log(max(len(task.blocks), 2))
    n_kept = task.blocks.having(trained.support).sum()
    is_worth = task.blocks.largest(nats) > task.prices_of(n_kept) + margin
    return is_worth[task.blocks.of_input] & task.varies


def offered(task: Task) -> np.ndarray:
    """Inputs that the first network of a fit reads: all, unless they are very many.

    Of more than 20,000 inputs those of the blocks are taken that a score test against
    the model without inputs finds worth half a price, but at least 1,000 blocks, and at
    most 20,000 inputs. Of the others, those that depend on what a network leaves
    unexplained are readmitted later; one that matters in an interaction only, with
    neither its value nor its square, is lost.

    Parameters
    ----------
    task : Task
        What is to be trained.

    Returns
    -------
    bool ndarray of shape (n_inputs,)
        True for the inputs.
    """
    blocks = task.blocks
    if task.varies.sum() <= MAX_INPUTS:
        return task.varies
    rows = torch.arange(len(task.batches), device=task.device)
    target, weight = task.batches.target, task.batches.weight
    output = empty_output(task.targets, len(rows), task.device)
    likelihood = make_likelihood(task.targets).to(task.device)
    nats = _score_test(task, rows, output, target, weight, likelihood)
    gain = blocks.largest(np.where(task.varies, nats, 0.0)) - 0.5 * task.prices
    gain[blocks.required] = np.inf
    gain[~blocks.having(task.varies)] = -np.inf
    order = np.argsort(-gain, kind="stable")[: max(int((gain > 0).sum()), MIN_SCREENED)]
    n_inputs = np.bincount(blocks.of_input, minlength=len(blocks))
    chosen = np.zeros(len(blocks), dtype=bool)
    chosen[order[np.cumsum(n_inputs[order]) <= MAX_INPUTS]] = True
    return chosen[blocks.of_input] & task.varies


def _score_test(
    task: Task,
    rows: Tensor,
    output: Tensor,
    target: Tensor,
    weight: Tensor,
    likelihood: nn.Module,
) -> np.ndarray:
    """Nats that a linear or a squared term of each input would add to the fit."""
    output = output.detach().requires_grad_()
    likelihood(output, target).sum().backward()
    assert output.grad is not None
    residual = output.grad.cpu().double().numpy()
    w = weight.cpu().double().numpy()[:, None]
    total = w.sum()
    residual -= (w * residual).sum(axis=0) / total
    residual *= w / np.sqrt((w * residual**2).sum(axis=0) / total + _EPS)
    nats = np.zeros(task.n_inputs)
    for variance, covariance in task.batches.moments(rows, w, residual):
        r2 = covariance**2 / (variance + _EPS)
        r2 = r2.max(axis=1).clip(max=1 - _EPS)
        nats = np.maximum(nats, -0.5 * total * np.log1p(-r2))
    return nats
