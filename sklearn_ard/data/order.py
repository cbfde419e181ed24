"""The training order of rows, which depends on their content alone."""

import numpy as np

from sklearn_ard.data.table import chunks_of


def training_order(Z, targets):
    """Order of rows that neither their present order nor scaling a column changes.

    Parameters
    ----------
    Z : {ndarray, csr_array, ScaledTable} of shape (n_samples, n_features)
        Scaled inputs.
    targets : ndarray of shape (n_samples, n_outputs)
        Scaled targets.

    Returns
    -------
    ndarray of shape (n_samples,)
        Indices that sort the rows by a random projection.
    """
    rng = np.random.default_rng(0)
    direction = rng.standard_normal(Z.shape[1])
    key = targets @ rng.standard_normal(targets.shape[1])
    for chunk in chunks_of(*Z.shape):
        key[chunk] += Z[chunk].astype(np.float64) @ direction
    return np.argsort(key, kind="stable")
