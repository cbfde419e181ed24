"""Columns that a parameter names.

Input: names, indices or masks from the user. Output: indices, or an error that names
the parameter.
"""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

_KINDS = "a list of names or indices of columns, or a mask"


@dataclass(frozen=True)
class Columns:
    """The columns of X, for parameters that name some of them.

    Attributes
    ----------
    n_columns : int
        Their number.
    names : ndarray of str or None
        Their names, where all are strings.
    owner : str
        Class name for errors.
    """

    n_columns: int
    names: np.ndarray | None
    owner: str

    def name(self, j: int) -> str:
        """What to call a column in a message."""
        return f"column {j}" if self.names is None else f"column {self.names[j]!r}"

    @property
    def labels(self) -> np.ndarray:
        """Names of all columns: x0, x1, ... where there are none."""
        if self.names is not None:
            return self.names
        return np.array([f"x{j}" for j in range(self.n_columns)], dtype=object)

    def indices(self, given: Any, parameter: str) -> np.ndarray:
        """Indices of the columns that a parameter names.

        Parameters
        ----------
        given : array-like of {str, int, bool}
            Names, indices or a mask, or a single name or index.
        parameter : str
            For errors.

        Returns
        -------
        int ndarray
            Ascending and distinct.
        """
        if isinstance(given, (str, Integral)):
            given = [given]
        listed = list(given) if np.iterable(given) else given
        values = np.array(listed, dtype=object)
        if values.ndim != 1:
            raise ValueError(self.says(parameter, f"be {_KINDS}", given))
        if not len(values):
            return np.zeros(0, dtype=int)
        if all(isinstance(v, (bool, np.bool_)) for v in values):
            if len(values) != self.n_columns:
                must = f"have one entry for each of the {self.n_columns} columns of X"
                raise ValueError(
                    self.says(parameter, f"{must}, as a mask", f"{len(values)}")
                )
            return np.flatnonzero(values)
        found = [self._index(value, parameter, given) for value in values]
        return np.unique(found)

    def _index(self, value: Any, parameter: str, given: Any) -> int:
        if isinstance(value, str):
            if self.names is None:
                must = "hold indices or a mask where X has no names"
                raise ValueError(self.says(parameter, must, given))
            found = np.flatnonzero(self.names == value)
            if not len(found):
                must = "hold names of columns of X"
                got = f"{value!r}, that X does not have"
                raise ValueError(self.says(parameter, must, got))
            return found[0]
        if isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)):
            if not 0 <= int(value) < self.n_columns:
                must = f"hold indices from 0 to {self.n_columns - 1}"
                raise ValueError(self.says(parameter, must, repr(value)))
            return int(value)
        raise ValueError(self.says(parameter, f"be {_KINDS}", repr(given)))

    def says(self, parameter: str, must: str, got: object) -> str:
        return (
            f"The {parameter!r} parameter of {self.owner} must {must}. Got {got} "
            "instead."
        )
