"""What becomes of a trained network: smaller, counted, handed out, cut once more."""

import copy
import math
import warnings
from numbers import Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_ard.inference.lower import constant_network, lower
from sklearn_ard.inference.report import compression_report
from sklearn_ard.nn import ard_layers, input_layers
from sklearn_ard.nn.compaction import compact_quietly
from sklearn_ard.nn.layers import count_weights
from sklearn_ard.training.inputs import in_use


class ShrinkMixin:
    """What both estimators do with `net_`, `_columns` and `_support`."""

    def compact(self):
        """What is left of the model, without torch: a small fitted predictor.

        Returns
        -------
        CompactRegressor or CompactClassifier
            With the same `predict`, `transform`, names and (for a classifier)
            `predict_proba` and `classes_`; numpy and scipy arrays inside. Its pickle
            has the size of the network that is left, and is loaded and run without
            torch being imported, or installed.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the network has something in it that only torch can run.

        Warns
        -----
        UserWarning
            If the model is trained by `partial_fit`: later chunks do not reach what was
            taken from it.
        """
        check_is_fitted(self)
        why = getattr(self._network, "why", None)
        if why:
            raise ValueError(
                f"{type(self).__name__}.compact cannot do without torch, since this "
                f"network has a {why} in it. Use a Sequential of linear layers, "
                "convolutions, batch norm, pooling and the activations that the "
                "'activation' parameter offers as 'module'."
            )
        if self._n_online_steps < math.inf:
            warnings.warn(
                f"{type(self).__name__}.compact takes a snapshot of a model that "
                "partial_fit still trains: later chunks will not reach it.",
                UserWarning,
                stacklevel=2,
            )
        return self._compact_class.from_estimator(self)

    def compression_report(self):
        """Sizes of the network before and after, layer by layer.

        Returns
        -------
        DataFrame
            One row per layer, in the order of the network that was trained, and
            "total". Columns are "before" and "after" of `inputs` and `units` (or
            channels), `weights` (other than zero), `multiply_adds` per row, and
            `bytes`; of the last three also the "ratio" before / after. Before is the
            network that the parameters ask for, with all columns of X; after is what
            predicts.
        """
        check_is_fitted(self)
        return compression_report(
            self.net_.module_, self._network, self.n_features_in_, len(self._columns)
        )

    def set_threshold(self, threshold):
        """Prune again, by another threshold, without any training.

        A weight is kept while its noise-to-signal ratio log α = log(σ² / μ²) is below
        the threshold. What `fit` has pruned for good stays so: only thresholds below
        the one that it was trained with (3, if `prior` does not say otherwise) change
        anything, and going back to that one undoes it all. What `fit` has measured
        stays as it was: `elbo_`, the noise, and the relevance of the columns that are
        still in use.

        Parameters
        ----------
        threshold : float
            Largest log α of a weight that is kept.

        Returns
        -------
        self
            With the support, `sparsity_` and predictions of what is left.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the threshold is not a number.

        Warns
        -----
        UserWarning
            If nothing is left.

        See Also
        --------
        threshold_curve : What each threshold would cost.
        """
        check_is_fitted(self)
        if not isinstance(threshold, Real) or math.isnan(threshold):
            raise ValueError(
                f"The 'threshold' of {type(self).__name__}.set_threshold must be a "
                f"number, the largest log alpha of a weight to keep. Got {threshold!r} "
                "instead."
            )
        module = self.net_.module_
        for layer in ard_layers(module):
            layer.prior = copy.copy(layer.prior)  # the user may hold it, and others
            layer.prior.threshold = threshold
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2, len(self._columns)), dtype=np.float32)
        live = in_use(module, torch.from_numpy(x).to(self.net_.device))
        self._support = np.zeros_like(self._support)
        self._support[self._columns] = live & ~self._scaler.constant_[self._columns]
        self.sparsity_ = self._sparsity(module)
        self.feature_importances_ = np.where(self._support, self._relevance, 0.0)
        self._network = self._make_network()
        if not self._support.any():
            warnings.warn(
                f"No weight has a log alpha below {threshold}: the model is empty, and "
                "predicts what it would predict without any inputs. Raise the "
                "threshold.",
                UserWarning,
                stacklevel=2,
            )
        return self

    def _make_network(self):
        """The small network that predicts."""
        if not self._support.any():
            return constant_network(self._empty_output)
        found, _ = compact_quietly(self.net_.module_)
        return lower(found, self._columns, self._scaler, self._n_outputs)

    def _sparsity(self, module):
        """Share of pruned weights, those of columns that were left out among them."""
        kept, total = count_weights(module)
        n_read = len(self._columns)
        if n_read < self.n_features_in_:
            head = torch.zeros(1, n_read, device=self.net_.device)
            n_units = sum(la.out_features for la in input_layers(module, head))
            total += (self.n_features_in_ - n_read) * n_units
        return 1 - kept / total
