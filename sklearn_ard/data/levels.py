"""The levels of a category, as codes.

Input: the values of a column, with weights. Output: a code for every row; the levels of
few rows share one.
"""

from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from sklearn.preprocessing import OrdinalEncoder

# Rows that a level, or a gap, needs for an input of its own. The experiment is in
# examples/benchmarks/NOTES.md.
MIN_ROWS = 10
MAX_LEVELS = 255  # with an input of their own, as in HistGradientBoosting
UNKNOWN = -1  # code of what was not seen in the training, or in too few rows
_MISSING = -2


class Levels:
    """The levels of one column.

    Codes 0, 1, ... belong to the frequent levels in sorted order, then to the
    infrequent ones together, then to missing values: the last two if there are enough
    rows of them.

    Attributes
    ----------
    known_ : ndarray of shape (n_levels,)
        All levels of the training, sorted: numbers or strings.
    codes_ : int ndarray of shape (n_levels,)
        The code of each.
    missing_code_ : int
        That of a missing value.
    n_codes_ : int
        Number of codes.
    are_rare_ : bool
        Whether there are levels, but none of them, nor a gap, has enough rows.
    """

    def fit(self, values: np.ndarray, weight: np.ndarray) -> Self:
        """Find the levels.

        Parameters
        ----------
        values : ndarray of shape (n,)
            Result of :func:`sklearn_ard.data.frames.uniform`.
        weight : ndarray of shape (n,)
            Weights; a weight of k counts as k rows.

        Returns
        -------
        Levels
            Itself.
        """
        encoder = _encoder_of(values)
        index = encoder.transform(values[:, None])[:, 0]
        known = encoder.categories_[0]
        self.known_ = known[~pd.isna(known)]
        n = len(self.known_)
        rows = np.bincount(np.where(index < 0, n, index), weight, minlength=n + 1)
        rows, n_missing = rows[:n], rows[n]
        frequent = rows >= MIN_ROWS
        frequent[np.argsort(-rows, kind="stable")[MAX_LEVELS:]] = False
        self.codes_ = np.full(n, UNKNOWN)
        self.codes_[frequent] = np.arange(frequent.sum())
        self.n_codes_ = int(frequent.sum())
        if rows[~frequent].sum() >= MIN_ROWS:
            self.codes_[~frequent & (rows > 0)] = self._next_code()
        self.missing_code_ = self._next_code() if n_missing >= MIN_ROWS else UNKNOWN
        self.are_rare_ = n > 0 and not frequent.any() and n_missing < MIN_ROWS
        return self

    def _next_code(self) -> int:
        self.n_codes_ += 1
        return self.n_codes_ - 1

    def emptied(self) -> "Levels":
        """The same without its levels, for a column that is not read."""
        levels = Levels()
        levels.known_, levels.codes_ = self.known_[:0], self.codes_[:0]
        levels.missing_code_, levels.n_codes_, levels.are_rare_ = UNKNOWN, 0, False
        return levels

    @cached_property
    def _encoder(self) -> OrdinalEncoder:
        dtype = float if self.are_numbers else object
        return _encoder_of(np.append(self.known_.astype(dtype), np.nan))

    @property
    def are_numbers(self) -> bool:
        """Whether the levels are numbers, or strings."""
        return self.known_.dtype.kind == "f"

    def codes(self, values: np.ndarray) -> np.ndarray:
        """Codes of the values of some rows, an int ndarray of shape (n,)."""
        index = self._encoder.transform(values[:, None])[:, 0]
        # the last two entries are those of index -2 and -1
        return np.append(self.codes_, [self.missing_code_, UNKNOWN])[index]


def _encoder_of(values: np.ndarray) -> OrdinalEncoder:
    """From levels to their indices in sorted order, of values of these levels."""
    encoder = OrdinalEncoder(
        dtype=np.int64,
        handle_unknown="use_encoded_value",
        unknown_value=UNKNOWN,
        encoded_missing_value=_MISSING,
    )
    return encoder.fit(values[:, None])
