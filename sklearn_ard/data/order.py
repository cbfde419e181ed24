"""The order in which rows are trained on: it depends on their content alone.

Input: scaled rows and targets. Output: indices. (Every epoch is shuffled from there by
`batches`.)
"""

import numpy as np

from sklearn_ard.data.table import ScaledTable


def training_order(table: ScaledTable, targets: np.ndarray) -> np.ndarray:
    """Order of rows that neither their present order nor scaling a column changes.

    Parameters
    ----------
    table : ScaledTable of shape (n_samples, n_features)
        Scaled inputs.
    targets : ndarray of shape (n_samples, n_outputs)
        Scaled targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        Indices that sort the rows by a random projection.
    """
    rng = np.random.default_rng(0)
    direction = rng.standard_normal(table.shape[1])
    key = targets @ rng.standard_normal(targets.shape[1]) + table.project(direction)
    return np.argsort(key, kind="stable")
