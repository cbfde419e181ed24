"""Inputs of a network, from a table of numbers and codes.

Input: one number per column of the table, as `reader` reads it. Output: one number per
input of the network: the value of a column, whether it is missing, or whether it has a
certain level. NaN means that nothing is known of an input; it is then scaled to 0.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from sklearn_ard.data.levels import MIN_ROWS, UNKNOWN
from sklearn_ard.data.table import chunks_of

VALUE, GAP = -1, -2  # in place of a level


@dataclass(frozen=True, eq=False)
class Encoding:
    """What each input of a network is.

    Attributes
    ----------
    column : int ndarray of shape (n_inputs,)
        The column that it is made of.
    level : int ndarray of shape (n_inputs,)
        Code of the level that it indicates; VALUE for the number itself, GAP for an
        indicator of missing numbers.
    """

    column: np.ndarray
    level: np.ndarray

    @classmethod
    def of_numbers(cls, n_columns):
        """That of a table of numbers, one input per column."""
        return cls(np.arange(n_columns), np.full(n_columns, VALUE))

    @classmethod
    def of_table(cls, codes, weight, n_codes, with_gaps=True):
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
        levels = []
        for j, gaps in enumerate(has_gaps):
            n = n_codes.get(j)
            if n is None:
                levels.append([VALUE, GAP] if gaps else [VALUE])
            else:
                levels.append([1] if n == 2 else range(max(n, 1)))
        column = np.repeat(np.arange(len(levels)), [len(each) for each in levels])
        return cls(column, np.concatenate([np.array(each) for each in levels]))

    def __len__(self):
        return len(self.column)

    def __eq__(self, other):
        return np.array_equal(self.column, other.column) and np.array_equal(
            self.level, other.level
        )

    @cached_property
    def has_numbers_only(self):
        """Whether every input is a value."""
        return bool((self.level == VALUE).all())

    def take(self, inputs):
        """The encoding of some of the inputs."""
        return replace(self, column=self.column[inputs], level=self.level[inputs])

    def on(self, columns):
        """The same for a table that has some of the columns only (ascending)."""
        return replace(self, column=np.searchsorted(columns, self.column))

    @cached_property
    def _is_in_order(self):
        """Whether input j is made of column j."""
        return np.array_equal(self.column, np.arange(len(self)))

    @cached_property
    def _inputs_of_codes(self):
        """Of each category the column, all inputs, and the input of each code or -1."""
        found = []
        for j in np.unique(self.column[self.level >= 0]):
            inputs = np.flatnonzero(self.column == j)
            of_code = np.full(self.level[inputs].max() + 1, -1)
            of_code[self.level[inputs]] = inputs
            found.append((j, inputs, of_code))
        return found

    def __call__(self, codes):
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
            of_gaps = self.level[x.indices] == GAP
            x.data[of_gaps] = np.isnan(x.data[of_gaps])
            x.eliminate_zeros()
            return x
        numbers, gaps = self.level == VALUE, self.level == GAP
        x = np.zeros((len(codes), len(self)), np.result_type(codes, np.float32))
        x[:, numbers] = codes[:, self.column[numbers]]
        x[:, gaps] = np.isnan(codes[:, self.column[gaps]])
        for j, inputs, of_code in self._inputs_of_codes:
            code = codes[:, j].astype(int)
            x[np.ix_(code == UNKNOWN, inputs)] = np.nan
            rows = np.flatnonzero((code >= 0) & (code < len(of_code)))
            rows = rows[of_code[code[rows]] >= 0]
            x[rows, of_code[code[rows]]] = 1
        return x


def _rows_with_gaps(codes, weight):
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
