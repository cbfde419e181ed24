"""Inputs of a network, from a table of numbers and codes.

Input: one number per column of the table, as `reader` reads it. Output: one number per
input of the network: the value of a column, its part within a bin, whether it is
missing, or whether it has a certain level. NaN means that nothing is known of an input;
it is then scaled to 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp

from sklearn_ard._typing import Matrix
from sklearn_ard.data.levels import MIN_ROWS, UNKNOWN
from sklearn_ard.data.table import chunks_of

VALUE, GAP, BIN = -1, -2, -3  # in place of a level


@dataclass(frozen=True, eq=False)
class Encoding:
    """What each input of a network is.

    Attributes
    ----------
    column : int ndarray of shape (n_inputs,)
        The column that it is made of.
    level : int ndarray of shape (n_inputs,)
        Code of the level that it indicates; VALUE for the number itself, GAP for an
        indicator of missing numbers, BIN for the part of the number within a bin.
    bounds : ndarray of shape (2, n_inputs)
        Edges of the bins; of other inputs infinite.
    """

    column: np.ndarray
    level: np.ndarray
    bounds: np.ndarray

    @classmethod
    def unbounded(cls, column: np.ndarray, level: np.ndarray) -> Self:
        """An encoding without bins."""
        bounds = np.repeat([[-np.inf], [np.inf]], len(column), axis=1)
        return cls(column, level, bounds)

    @classmethod
    def of_numbers(cls, n_columns: int) -> Self:
        """That of a table of numbers, one input per column."""
        return cls.unbounded(np.arange(n_columns), np.full(n_columns, VALUE))

    @classmethod
    def of_table(
        cls,
        codes: Matrix,
        weight: np.ndarray,
        n_codes: dict[int, int],
        with_gaps: bool = True,
    ) -> Self:
        """That of a table with gaps and categories, inputs in the order of columns.

        Parameters
        ----------
        codes : {ndarray, csr_array} of shape (n_samples, n_columns)
            Numbers and codes.
        weight : ndarray of shape (n_samples,)
            Weights; a weight of k counts as k rows.
        n_codes : dict of int to int
            Number of codes of each column that is a category. Of two, the second alone
            has an input.
        with_gaps : bool, default=True
            Whether missing numbers have indicators.

        Returns
        -------
        Encoding
            Numbers have an indicator where enough of them are missing.
        """
        has_gaps = np.zeros(codes.shape[1], dtype=bool)
        if with_gaps:
            has_gaps = _rows_with_gaps(codes, weight) >= MIN_ROWS
        if not n_codes and not has_gaps.any():
            return cls.of_numbers(codes.shape[1])
        levels: list[Sequence[int]] = []
        for j, gaps in enumerate(has_gaps):
            n = n_codes.get(j)
            if n is None:
                levels.append([VALUE, GAP] if gaps else [VALUE])
            else:
                levels.append([1] if n == 2 else range(max(n, 1)))
        column = np.repeat(np.arange(len(levels)), [len(each) for each in levels])
        return cls.unbounded(
            column, np.concatenate([np.array(each) for each in levels])
        )

    def with_bins(self, edges: dict[int, np.ndarray]) -> "Encoding":
        """The same with piecewise linear encodings beside the values of some columns.

        Parameters
        ----------
        edges : dict of int to ndarray
            Edges of the bins of each of these columns.

        Returns
        -------
        Encoding
            The bins of a column come last of its inputs.
        """
        columns = np.array(sorted(edges), dtype=self.column.dtype)
        n_bins = [len(edges[j]) - 1 for j in columns.tolist()]
        added = [np.stack([edges[j][:-1], edges[j][1:]]) for j in columns.tolist()]
        column = np.append(self.column, np.repeat(columns, n_bins))
        level = np.append(self.level, np.full(sum(n_bins), BIN))
        bounds = np.concatenate([self.bounds, *added], axis=1)
        order = np.argsort(column, kind="stable")
        return Encoding(column[order], level[order], bounds[:, order])

    def __len__(self) -> int:
        return len(self.column)

    def __eq__(self, other: object) -> bool:
        return all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("column", "level", "bounds")
        )

    @cached_property
    def has_numbers_only(self) -> bool:
        """Whether every input is a value."""
        return bool((self.level == VALUE).all())

    @cached_property
    def has_bins(self) -> bool:
        """Whether any input is the part of a number within a bin."""
        return bool((self.level == BIN).any())

    def without_bins(self) -> "Encoding":
        """The same with the values of numbers alone."""
        return self.take(self.level != BIN)

    def take(self, inputs: np.ndarray) -> "Encoding":
        """The encoding of some of the inputs."""
        return Encoding(self.column[inputs], self.level[inputs], self.bounds[:, inputs])

    def on(self, columns: np.ndarray) -> "Encoding":
        """The same for a table that has some of the columns only (ascending)."""
        column = np.searchsorted(columns, self.column)
        return Encoding(column, self.level, self.bounds)

    @cached_property
    def numbers_with_bounds(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Inputs that are a value or its part in a bin; bounds; what is subtracted.

        That is the bound nearest to 0, so that the input of 0 is 0.
        """
        inputs = np.flatnonzero((self.level == VALUE) | (self.level == BIN))
        lower, upper = self.bounds[:, inputs]
        return inputs, lower, upper, np.clip(0.0, lower, upper)

    @cached_property
    def _is_in_order(self) -> bool:
        """Whether input j is made of column j."""
        return np.array_equal(self.column, np.arange(len(self)))

    @cached_property
    def _inputs_of_codes(self) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Of each category the column, all inputs, and the input of each code or -1."""
        found = []
        for j in np.unique(self.column[self.level >= 0]):
            inputs = np.flatnonzero(self.column == j)
            of_code = np.full(self.level[inputs].max() + 1, -1)
            of_code[self.level[inputs]] = inputs
            found.append((j, inputs, of_code))
        return found

    def __call__(self, codes: Matrix) -> Matrix:
        """Inputs of some rows.

        Parameters
        ----------
        codes : {ndarray, csr_array} of shape (n, n_columns)
            Numbers and codes.

        Returns
        -------
        {ndarray, csr_array} of shape (n, n_inputs)
            Not scaled. It may be `codes` itself.
        """
        if self.has_numbers_only:
            is_whole = self._is_in_order and len(self) == codes.shape[1]
            return codes if is_whole else codes[:, self.column]
        if sp.issparse(codes):
            x = codes[:, self.column]
            of_gaps, (lower, upper) = self.level[x.indices] == GAP, self.bounds
            lower, upper = lower[x.indices], upper[x.indices]
            values = np.clip(x.data, lower, upper) - np.clip(0.0, lower, upper)
            x.data = np.where(of_gaps, np.isnan(x.data), values).astype(x.dtype)
            x.eliminate_zeros()
            return x
        x = np.zeros((len(codes), len(self)), np.result_type(codes, np.float32))
        inputs, lower, upper, offset = self.numbers_with_bounds
        numbers = codes[:, self.column[inputs]]
        if self.has_bins:
            numbers = np.clip(numbers, lower, upper) - offset
        x[:, inputs] = numbers
        gaps = np.flatnonzero(self.level == GAP)
        x[:, gaps] = np.isnan(codes[:, self.column[gaps]])
        for j, inputs, of_code in self._inputs_of_codes:
            code = codes[:, j].astype(int)
            x[np.ix_(code == UNKNOWN, inputs)] = np.nan
            rows = np.flatnonzero((code >= 0) & (code < len(of_code)))
            rows = rows[of_code[code[rows]] >= 0]
            x[rows, of_code[code[rows]]] = 1
        return x


def _rows_with_gaps(codes: Matrix, weight: np.ndarray) -> np.ndarray:
    """Weight of the rows in which each column is NaN."""
    rows = np.zeros(codes.shape[1])
    for chunk in chunks_of(codes):
        part = codes[chunk]
        if sp.issparse(part):
            part = part.tocoo()
            gaps = np.isnan(part.data)
            np.add.at(rows, part.col[gaps], weight[chunk][part.row[gaps]])
        else:
            rows += weight[chunk] @ np.isnan(part)
    return rows
