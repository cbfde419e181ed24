"""Blocks: columns that are kept or dropped as one, and what they cost.

Input: the columns of X and the parameters that group and price them. Output: the block
of each column and of each input of a network, and nats per block.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd

from sklearn_ard.data.columns import Columns
from sklearn_ard.data.encoding import Encoding


@dataclass(frozen=True, eq=False)
class Groups:
    """Columns that are kept or dropped as one, and what they cost.

    Attributes
    ----------
    of_column : int ndarray of shape (n_columns,)
        The block of each column; blocks are in the order of their first columns.
    costs : ndarray of shape (n_blocks,)
        Price of each block in nats, at a `reg_factor` of 1, if it is the only one.
    stepped : bool ndarray of shape (n_blocks,)
        True for those whose price is "auto": the k-th block that is kept costs log(k)
        less.
    required : bool ndarray of shape (n_blocks,)
        True for those that are always kept.
    names : ndarray of str of shape (n_blocks,)
        Of groups, and of the other columns.
    """

    of_column: np.ndarray
    costs: np.ndarray
    stepped: np.ndarray
    required: np.ndarray
    names: np.ndarray

    @classmethod
    def of(
        cls,
        columns: Columns,
        feature_groups: Any = None,
        feature_cost: Any = "auto",
        required: Any = None,
        alpha: float = 1.0,
    ) -> Self:
        """Groups from the parameters of an estimator.

        Parameters
        ----------
        columns : Columns
            The columns of X.
        feature_groups, feature_cost, required, alpha
            The parameters; `required` is `required_features`. In place of groups, a
            number of channels makes each channel of an image a group.

        Returns
        -------
        Groups
            Groups.

        Raises
        ------
        ValueError
            If a parameter names columns that are not there, or has a wrong price.
        """
        if isinstance(feature_groups, Integral):
            of_column, named = _channels(columns, int(feature_groups))
            n_named = columns.n_columns  # pixels
        else:
            of_column, named = _group(columns, feature_groups)
            n_named = int(of_column.max()) + 1
        is_required = np.zeros(int(of_column.max()) + 1, dtype=bool)
        if required is not None:
            indices = columns.indices(required, "required_features")
            is_required[of_column[indices]] = True
        costs, stepped = costs_of(
            feature_cost, columns, of_column, named, n_named, alpha
        )
        _, first = np.unique(of_column, return_index=True)
        names = columns.labels[first].astype(object)
        for name, block in named.items():
            names[block] = str(name)
        return cls(of_column, costs, stepped, is_required, names)

    def __len__(self) -> int:
        return len(self.required)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sums over the columns of each block.

        Parameters
        ----------
        values : ndarray of shape (..., n_columns)
            Values of the columns.

        Returns
        -------
        ndarray of shape (..., n_blocks)
            Sums.
        """
        order = np.argsort(self.of_column, kind="stable")
        start = np.searchsorted(self.of_column[order], np.arange(len(self)))
        return np.add.reduceat(values[..., order], start, axis=-1)


@dataclass(frozen=True, eq=False)
class Blocks(Groups):
    """Groups of columns, and the inputs of a network that are made of each.

    Attributes
    ----------
    of_column, costs, stepped, required
        See :class:`Groups`.
    of_input : int ndarray of shape (n_inputs,)
        The block of each input.
    """

    of_input: np.ndarray

    @classmethod
    def of_inputs(cls, groups: Groups, encoding: Encoding) -> Self:
        """The blocks of columns that are encoded.

        Parameters
        ----------
        groups : Groups
            Of the columns; blocks of other inputs will do.
        encoding : Encoding
            Makes inputs of them.

        Returns
        -------
        Blocks
            Blocks.
        """
        of_input = groups.of_column[encoding.column]
        return cls(**{**vars(groups), "of_input": of_input})

    def having(self, inputs: np.ndarray) -> np.ndarray:
        """Which blocks have any of some inputs: a mask from a mask."""
        return np.bincount(self.of_input, inputs, minlength=len(self)) > 0

    def opened(self, inputs: np.ndarray) -> np.ndarray:
        """Some inputs, and all of the required blocks."""
        return inputs | self.required[self.of_input]

    def largest(self, values: np.ndarray) -> np.ndarray:
        """The largest of some values of the inputs of each block, at least 0."""
        largest = np.zeros(len(self))
        np.maximum.at(largest, self.of_input, values)
        return largest

    def support(self, inputs: np.ndarray) -> np.ndarray:
        """Columns whose blocks have any of some inputs, or are required."""
        return (self.having(inputs) | self.required)[self.of_column]


def _group(columns: Columns, groups: Any) -> tuple[np.ndarray, dict[Any, int]]:
    """The block of each column, and the blocks that have names."""
    named = groups if isinstance(groups, Mapping) else dict(enumerate(groups or ()))
    first = np.arange(columns.n_columns)
    taken = np.zeros(columns.n_columns, dtype=bool)
    labels, members = set(columns.labels), {}
    for name, given in named.items():
        if isinstance(given, (str, Integral)):
            must = "hold lists of names or indices"
            raise ValueError(columns.says("feature_groups", must, repr(given)))
        indices = columns.indices(given, "feature_groups")
        if not len(indices):
            must = "hold lists of at least one column"
            raise ValueError(columns.says("feature_groups", must, repr(given)))
        if taken[indices].any():
            twice = columns.name(indices[taken[indices]][0])
            must = "hold every column at most once"
            raise ValueError(columns.says("feature_groups", must, f"{twice} twice"))
        if name in labels and name not in columns.labels[indices]:
            must = "name groups unlike the other columns"
            raise ValueError(columns.says("feature_groups", must, repr(name)))
        taken[indices], first[indices] = True, indices[0]
        if not isinstance(groups, Mapping):
            name = ", ".join(map(str, columns.labels[indices]))
        members[name] = indices[0]
    _, of_column = np.unique(first, return_inverse=True)
    return of_column, {name: int(of_column[j]) for name, j in members.items()}


def _channels(columns: Columns, n_channels: int) -> tuple[np.ndarray, dict[Any, int]]:
    """The same for images."""
    of_column = np.repeat(np.arange(n_channels), columns.n_columns // n_channels)
    return of_column, {f"channel {k}": k for k in range(n_channels)}


def costs_of(
    feature_cost: Any,
    columns: Columns,
    of_column: np.ndarray,
    names: dict[Any, int],
    n_named: int,
    alpha: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Prices of the blocks in nats, at a `reg_factor` of 1.

    Parameters
    ----------
    feature_cost : float, "auto", array-like or mapping
        As the parameter. "auto" is log(n_named / alpha). An array has the price of
        every column, a mapping that of some columns or groups, by name or index; the
        others then cost "auto". The price of a group is the sum of the prices of its
        columns.
    columns : Columns
        The columns of X.
    of_column : int ndarray of shape (n_columns,)
        The block of each.
    names : dict of str to int
        Blocks that have a name.
    n_named : int
        Number of things, the index of one of which has to be encoded.
    alpha : float
        As the parameter.

    Returns
    -------
    costs : ndarray of shape (n_blocks,)
        In nats.
    stepped : bool ndarray of shape (n_blocks,)
        True where the price is "auto".

    References
    ----------
    Chen, Chen (2008). Extended Bayesian information criteria for model selection with
    large model spaces. Biometrika 95.
    """
    n_blocks = int(of_column.max()) + 1
    costs = np.full(n_blocks, math.log(max(n_named, 2) / alpha))
    stepped = np.ones(n_blocks, dtype=bool)
    if isinstance(feature_cost, str):
        return costs, stepped
    if isinstance(feature_cost, Real):
        return np.full(n_blocks, float(feature_cost)), ~stepped
    if isinstance(feature_cost, pd.Series):
        feature_cost = feature_cost.to_dict()
    if isinstance(feature_cost, Mapping):
        blocks: list[int] | np.ndarray
        blocks = [_block_of(key, columns, of_column, names) for key in feature_cost]
        for key, block in zip(feature_cost, blocks, strict=True):
            if key in names and blocks.count(block) > 1:
                must = "price a group or its columns"
                raise ValueError(
                    columns.says("feature_cost", must, f"both, for {key!r},")
                )
        given = list(feature_cost.values())
    else:
        is_array = getattr(feature_cost, "ndim", 1)  # and no number in one
        blocks, given = of_column, list(feature_cost) if is_array else [feature_cost]
        if len(given) != columns.n_columns:
            must = f"have one price for each of the {columns.n_columns} columns of X"
            raise ValueError(columns.says("feature_cost", must, f"{len(given)}"))
    for cost in given:
        is_number = isinstance(cost, Real) and not isinstance(cost, (bool, np.bool_))
        if not is_number or not 0 <= cost <= sys.float_info.max:
            must = "hold finite numbers, none negative"
            raise ValueError(columns.says("feature_cost", must, repr(cost)))
    costs[blocks] = 0.0
    np.add.at(costs, blocks, np.array(given, dtype=np.float64))
    stepped[blocks] = False
    return costs, stepped


def _block_of(
    key: Any, columns: Columns, of_column: np.ndarray, names: dict[Any, int]
) -> int:
    """The block that a key of a mapping of prices names."""
    if key in names:
        return names[key]
    if not isinstance(key, (str, Integral)):
        must = "map names of columns or groups, or indices of columns, to prices"
        raise ValueError(columns.says("feature_cost", must, f"the key {key!r}"))
    return of_column[columns.indices(key, "feature_cost")[0]]
