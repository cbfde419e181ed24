"""From what users give to batches of scaled rows."""

import math

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.validation import _check_sample_weight, validate_data

from sklearn_ard.data.batches import Batches
from sklearn_ard.data.merge import merge_rows
from sklearn_ard.data.order import training_order
from sklearn_ard.data.scaler import Scaler
from sklearn_ard.data.table import ScaledTable, Table
from sklearn_ard.inference.predictor import refuse_images

_BATCH_SIZE = 64


class TrainingDataMixin:
    """How both estimators check, scale and order the rows that they are trained on."""

    def _check_data(self, X, y, sample_weight, *, reset, min_rows=1, **options):
        """Validated X, numeric targets of shape (n, n_columns), and weights."""
        refuse_images(X)
        X, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            **self._y_options,
            ensure_min_samples=min_rows,
        )
        if sp.issparse(X):
            X = sp.csr_array(X)
            if not X.has_canonical_format:
                X = X.copy()  # not in the arrays of the user
                X.sum_duplicates()
        weight = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weight.any():
            raise ValueError(
                "The 'sample_weight' parameter must have a positive entry. "
                "Got nothing but zeros instead."
            )
        self._check_input_shape(X.shape[1])
        targets, weight = self._check_targets(y, weight, reset=reset, **options)
        return X, targets, weight

    def _check_input_shape(self, n_features):
        if self.input_shape is None:
            if len(self.conv_channels) and self.module is None:
                raise ValueError(
                    "The 'conv_channels' parameter needs the 'input_shape' parameter, "
                    "such as (1, 28, 28) for (channels, height, width). "
                    f"Got conv_channels={self.conv_channels!r} and input_shape=None."
                )
        elif math.prod(self.input_shape) != n_features:
            raise ValueError(
                f"The 'input_shape' parameter must multiply to the {n_features} "
                f"columns of X. Got {tuple(self.input_shape)!r} instead, which "
                f"multiplies to {math.prod(self.input_shape)}."
            )

    def _make_training_set(self, X, targets, weight):
        """Batches of the distinct rows; what they are scaled by is noted."""
        rows, weight = merge_rows(X, targets, weight)
        X, targets = Table(X, rows), targets[rows]
        self._scaler = Scaler(self._n_channels, self._standardizes).fit(X, weight)
        self._seen, self._n_online_steps = (len(weight), weight.sum()), math.inf
        return self._make_batches(X, targets, weight, self._scaler, reset=True)

    def _make_chunk(self, X, targets, weight, *, first):
        """The same of one of several chunks, scaled as the first one was."""
        rows, weight = merge_rows(X, targets, weight)
        X, targets = Table(X, rows), targets[rows]
        if first:
            self._scaler = Scaler(self._n_channels, self._standardizes).fit(X, weight)
            self._scaler.constant_[:] = False  # later chunks may know better
            self._seen, self._n_online_steps = (0, 0.0), 0
        n_rows, total = self._seen
        self._seen = n_rows + len(weight), total + weight.sum()
        return self._make_batches(X, targets, weight, self._scaler, reset=first)

    def _make_batches(self, table, targets, weight, scaler, *, reset):
        """Scaled rows in training order, on the device."""
        scaled = self._scale_targets(targets, weight, reset=reset)
        order = training_order(
            ScaledTable(table, scaler), scaled.reshape(len(scaled), -1)
        )
        x = ScaledTable(table.take(order), scaler)
        n_rows, total = (len(weight), weight.sum()) if reset else self._seen
        weight = (weight[order] * (n_rows / total)).astype(np.float32)
        device = self._device
        return Batches(
            x if x.table.stays else torch.from_numpy(x.in_memory()).to(device),
            torch.from_numpy(scaled[order]).to(device),
            torch.from_numpy(weight).to(device),
            _BATCH_SIZE if self.batch_size == "auto" else self.batch_size,
        )

    @property
    def _n_channels(self):
        return None if self.input_shape is None else int(self.input_shape[0])

    @property
    def _standardizes(self):
        """A given network keeps the inputs and outputs that it was trained on."""
        return not isinstance(self.module, torch.nn.Module)
