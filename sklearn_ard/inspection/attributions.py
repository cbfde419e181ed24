"""The result of :func:`shapley_values`: what each column adds to each prediction.

Input: values of the columns in use. Output: arrays over all columns, a data frame, or
an `Explanation` of the package shap.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class ShapleyValues:
    """Shapley values of the rows of a table.

    "Columns" are those of the table, or the blocks that `feature_groups` or the
    channels of images make of them. With several targets or classes, arrays have a last
    axis for them.

    Attributes
    ----------
    names : ndarray of str of shape (n_columns,)
        Of the columns.
    players : int ndarray of shape (n_players,)
        Columns in use; those of the others are exactly 0.
    base_value : float or ndarray of shape (n_outputs,)
        Mean prediction of the background.
    data : DataFrame of shape (n_samples, n_players)
        The rows of the columns in use; NaN where a block has several columns.
    output_names : list or None
        Targets or classes, where there are several.
    unit : str
        "units of y", "log-odds" or "probability".
    of_players : ndarray of shape (n_samples, n_players)
        `values` of the columns in use alone.
    of_pairs : ndarray of shape (n_samples, n_players, n_players) or None
        `interactions` of these.
    error_of_players : ndarray of shape (n_samples, n_players) or None
        `std_error` of these.
    """

    names: np.ndarray
    players: np.ndarray
    base_value: float | np.ndarray
    data: pd.DataFrame
    output_names: list | None
    unit: str
    of_players: np.ndarray
    of_pairs: np.ndarray | None
    error_of_players: np.ndarray | None

    @property
    def values(self) -> np.ndarray:
        """Ndarray of shape (n_samples, n_columns) or (n_samples, n_columns, n_outputs).

        Rows and the base value sum to the predictions.
        """
        return self._on_all(self.of_players)

    @property
    def std_error(self) -> np.ndarray | None:
        """Standard errors of the values, of the same shape; None of exact values."""
        if self.error_of_players is None:
            return None
        return self._on_all(self.error_of_players)

    @property
    def interactions(self) -> np.ndarray | None:
        """Ndarray of shape (n_samples, n_columns, n_columns), maybe (..., n_outputs).

        Shapley interaction indices of pairs, symmetric, with zeros on the diagonal;
        None if they were not asked for.
        """
        if self.of_pairs is None:
            return None
        rows = self._on_all(self.of_pairs)
        return np.swapaxes(self._on_all(np.swapaxes(rows, 1, 2)), 1, 2)

    def _on_all(self, of_players: np.ndarray) -> np.ndarray:
        """An array with zeros for the columns that are not in use, on its axis 1."""
        n, _, *others = of_players.shape
        values = np.zeros((n, len(self.names), *others))
        values[:, self.players] = of_players
        return values

    def __repr__(self) -> str:
        n, k = self.of_players.shape[:2]
        return (
            f"ShapleyValues(rows={n}, columns={len(self.names)}, in_use={k}, "
            f"unit={self.unit!r})"
        )

    def to_frame(self) -> pd.DataFrame:
        """The values as a data frame, with a row per row of X.

        Returns
        -------
        DataFrame
            A column per column of X; of several outputs, a level above has their names.
        """
        values, index = self.values, self.data.index
        if values.ndim == 2:
            return pd.DataFrame(values, index=index, columns=self.names)
        parts = [
            pd.DataFrame(values[..., k], index=index, columns=self.names)
            for k in range(values.shape[2])
        ]
        return pd.concat(parts, axis=1, keys=self.output_names)

    def to_explanation(self) -> Any:
        """The values of the columns in use as an `Explanation`, for the plots of shap.

        Returns
        -------
        shap.Explanation
            With the data, and categories as their codes in sorted order.

        Raises
        ------
        ImportError
            Without shap.
        """
        try:
            import shap
        except ImportError as error:
            raise ImportError(
                "ShapleyValues.to_explanation needs shap: pip install shap."
            ) from error
        n, base = len(self.of_players), np.asarray(self.base_value)
        return shap.Explanation(
            self.of_players,
            np.broadcast_to(base, (n, *base.shape)).copy(),
            self.numbers(),
            display_data=self.data.to_numpy(),
            feature_names=[str(name) for name in self.data.columns],
            output_names=self.output_names,
        )

    def numbers(self) -> np.ndarray:
        """The data of the columns in use as numbers; categories as codes.

        Returns
        -------
        ndarray of shape (n_samples, n_players)
            NaN for gaps.
        """
        numbers = np.full(self.data.shape, np.nan)
        for j in range(self.data.shape[1]):
            part = self.data.iloc[:, j]
            if pd.api.types.is_numeric_dtype(part):
                numbers[:, j] = part
            else:
                codes, _ = pd.factorize(part.astype(str), sort=True)
                numbers[:, j] = np.where(part.isna(), np.nan, codes)
        return numbers
