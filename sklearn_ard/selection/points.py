"""The points of a path, which are loaded and drawn without torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sklearn_ard.data.blocks import Groups
from sklearn_ard.data.columns import Columns


@dataclass(eq=False)
class ARDPath:
    """Result of :func:`ard_path`, with one entry per point.

    Attributes
    ----------
    reg_factors : ndarray of shape (n_points,)
        Ascending.
    support : bool ndarray of shape (n_points, n_features)
        True for the columns that are in use.
    relevance : ndarray of shape (n_points, n_features)
        In nats, as `feature_importances_`.
    sparsity : ndarray of shape (n_points,)
        Share of all prunable weights that are pruned.
    elbo : ndarray of shape (n_points,)
        Evidence lower bound of the training set in nats, whatever the `reg_factor`.
    train_score : ndarray of shape (n_points,)
        On the training set.
    feature_names : ndarray of shape (n_features,)
        Names of the columns; x0, x1, ... where X had none.
    models : list or None
        The fitted models without torch, of :meth:`ARDRegressor.compact`.
    groups : Groups or None
        Columns that are kept or dropped as one.
    """

    reg_factors: np.ndarray
    support: np.ndarray
    relevance: np.ndarray
    sparsity: np.ndarray
    elbo: np.ndarray
    train_score: np.ndarray
    feature_names: np.ndarray
    models: list | None = None
    groups: Groups | None = None

    def __len__(self) -> int:
        return len(self.reg_factors)

    @property
    def n_features(self) -> np.ndarray:
        """Number of columns that are in use, of shape (n_points,)."""
        return self.support.sum(axis=1)

    def to_frame(self) -> pd.DataFrame:
        """The path as a table.

        Returns
        -------
        DataFrame
            One row per point, with `reg_factor`, `n_features`, `sparsity`, `elbo`,
            `train_score` and the names of the columns in use as `features`.
        """
        return pd.DataFrame(
            {
                "reg_factor": self.reg_factors,
                "n_features": self.n_features,
                "sparsity": self.sparsity,
                "elbo": self.elbo,
                "train_score": self.train_score,
                "features": [list(self.feature_names[row]) for row in self.support],
            }
        )


def names_of(model: Any) -> np.ndarray:
    """Names of the columns that a model was fitted on: x0, x1, ... where X has none."""
    names = getattr(model, "feature_names_in_", None)
    return Columns(model.n_features_in_, names, type(model).__name__).labels
