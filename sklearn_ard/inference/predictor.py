"""Prediction, selection and transformation by fitted models.

Input: X from the user. Output: predictions or columns. The file does not import torch,
since compact predictors and estimators share it.
"""

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.feature_selection import SelectorMixin
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_ard._validation import check_rows
from sklearn_ard.data.frames import columns as columns_of
from sklearn_ard.data.frames import is_frame, is_pandas
from sklearn_ard.inference.state import State

# options of check_array for tables that are handed on as they are
_ANYTHING = {"dtype": None, "ensure_all_finite": False, "ensure_min_features": 0}


class Predictor(SelectorMixin, BaseEstimator):
    """A model that predicts with the :class:`State` in its attribute `_fitted`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def __sklearn_is_fitted__(self):
        return "_fitted" in vars(self)

    def _outputs(self, X):
        """Outputs of the network on scaled targets (or logits).

        From a data frame, only the columns in use are read. An array is searched for
        missing values as a whole, as scikit-learn's estimators do, but never copied.
        """
        fitted, owner = vars(self).get("_fitted"), type(self).__name__
        if (  # valid without scikit-learn's checks, which are slow for one row
            fitted is not None
            and type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype.kind in "fiub"
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in vars(self)
            and not fitted.reader.levels_
        ):
            return fitted.network(X, owner)
        check_is_fitted(self)
        X, selected = check_rows(self, X, fitted.reader, fitted.network.columns)
        return fitted.network(X, owner, selected=selected)

    def to_onnx(self, path, *, dtype=np.float64):
        """Write the whole model to a file that :mod:`onnxruntime` can run.

        The file computes predictions from raw X, including standardisation, units of y
        and class labels. Its input is named "X"; its outputs are "prediction" for a
        regressor (of the shape that :meth:`predict` has), "label" and "probabilities"
        for a classifier.

        Parameters
        ----------
        path : str or path-like
            Where to write.
        dtype : {numpy.float64, numpy.float32}, default=numpy.float64
            Of the X that the file takes. Most tools pass float32, in which columns far
            from 0 lose digits before they are standardised.

        Raises
        ------
        ImportError
            If the package ``onnx`` is missing: ``pip install 'sklearn-ard[onnx]'``.
        ValueError
            If the network contains a module that only torch can run, or the dtype is
            neither of the two.
        """
        check_is_fitted(self)
        from sklearn_ard.inference.onnx import write_onnx

        write_onnx(
            self._fitted.network,
            self.n_features_in_,
            path,
            dtype,
            owner=type(self).__name__,
            targets=self._fitted.targets,
        )

    def _get_support_mask(self):
        check_is_fitted(self)
        return self._fitted.support

    def transform(self, X):
        """Keep the columns that are in use.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. From a data frame, only the kept columns are read.

        Returns
        -------
        {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_kept)
            The kept columns, unchanged.
        """
        support = self.get_support()
        if not is_frame(X) or not support.any():
            return super().transform(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        kept = columns_of(X, np.flatnonzero(support))
        container = _get_output_config("transform", estimator=self)["dense"]
        if container == ("pandas" if is_pandas(X) else "polars"):
            return kept
        return check_array(kept, **_ANYTHING)

    def inverse_transform(self, X):
        """Put kept columns back in their places, and zeros in those of the others.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_kept)
            As :meth:`transform` returns it.

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
            All columns.
        """
        if sp.issparse(X):
            return super().inverse_transform(X)
        support = self.get_support()
        X = check_array(X, **_ANYTHING)
        if X.shape[1] != support.sum():
            raise ValueError(
                f"X must have the {support.sum()} columns that transform keeps. Got "
                f"{X.shape[1]} instead."
            )
        everything = np.zeros((len(X), len(support)), dtype=X.dtype)
        everything[:, support] = X
        return everything


class NumberPredictor:
    """`predict` of a regressor."""

    def predict(self, X):
        """Predict with the posterior means of the kept weights.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. From a data frame, only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y.
        """
        outputs = self._outputs(X)
        return self._fitted.targets.predictions(outputs)


class LabelPredictor:
    """`predict` and `predict_proba` of a classifier."""

    def predict(self, X):
        """Predict the most probable label.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. From a data frame, only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        outputs = self._outputs(X)
        return self._fitted.targets.predictions(outputs)

    def predict_proba(self, X):
        """Predict the probability of every label, with the posterior mean weights.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. From a data frame, only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        outputs = self._outputs(X)
        return self._fitted.targets.probabilities(outputs)


class _Compact(Predictor):
    """Base of the compact predictors, which predict and cannot be trained.

    As with :class:`sklearn.frozen.FrozenEstimator`, `fit` does nothing, and a clone is
    the model itself.
    """

    _copied = ("n_features_in_", "feature_names_in_")

    @classmethod
    def _from_estimator(cls, estimator):
        """The compact model of a fitted estimator."""
        model, fitted = cls(), estimator._fitted
        model._fitted = State(
            reader=fitted.reader,
            network=fitted.network,
            support=fitted.support,
            targets=fitted.targets,
        )
        for name in cls._copied:
            if hasattr(estimator, name):
                setattr(model, name, getattr(estimator, name))
        return model

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y, *args, **kwargs):
        """Do nothing: the model is fitted.

        Parameters
        ----------
        X, y, *args, **kwargs
            Ignored.

        Returns
        -------
        self
            As it is.
        """
        check_is_fitted(self)
        return self


class CompactRegressor(NumberPredictor, RegressorMixin, _Compact):
    """Compact :class:`ARDRegressor`: `predict` and `transform`, in numpy.

    Returned by :meth:`ARDRegressor.compact`. It does not need torch, and its pickle is
    as small as the pruned network.
    """

    _copied = (*_Compact._copied, "noise_std_")


class CompactClassifier(LabelPredictor, ClassifierMixin, _Compact):
    """Compact :class:`ARDClassifier`, in numpy.

    Returned by :meth:`ARDClassifier.compact`. It has `predict`, `predict_proba`,
    `transform` and `classes_`, does not need torch, and its pickle is as small as the
    pruned network.
    """

    _copied = (*_Compact._copied, "classes_")
