"""Prediction, selection and transformation by fitted models.

Input: X from the user. Output: predictions or columns. The file does not import torch,
since compact predictors and estimators share it.
"""

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import Tags
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_ard._naming import naming
from sklearn_ard._typing import Matrix, MatrixLike
from sklearn_ard._validation import check_rows
from sklearn_ard.data.frames import columns as columns_of
from sklearn_ard.data.frames import is_frame, is_pandas, to_array, to_frame

# options of check_array for tables that are handed on as they are
_ANYTHING = {"dtype": None, "ensure_all_finite": False, "ensure_min_features": 0}


class Predictor(SelectorMixin, BaseEstimator):
    """A model that predicts with the :class:`State` in its attribute `_fitted`."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in vars(self)

    def _outputs(self, X: MatrixLike) -> np.ndarray:
        """Outputs of the network on scaled targets (or logits).

        From a data frame, only the columns in use are read. An array is searched for
        missing values as a whole, as scikit-learn's estimators do, but never copied.
        """
        fitted: Any = vars(self).get("_fitted")
        owner = type(self).__name__
        if (  # valid without scikit-learn's checks, which are slow for one row
            fitted is not None
            and type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype.kind in "fiub"
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in vars(self)
            and not fitted.reader.has_categories
        ):
            return fitted.network(X, owner)
        check_is_fitted(self)
        X, selected = check_rows(self, X, fitted.reader, fitted.network.columns)
        return fitted.network(X, owner, selected=selected)

    def to_onnx(self, path: str | PathLike, *, dtype: DTypeLike = np.float64) -> None:
        """Write the whole model to a file that :mod:`onnxruntime` can run.

        The file computes predictions from raw X, including the encoding of categories
        and gaps, standardisation, units of y and class labels. Its outputs are
        "prediction" for a regressor (of the shape that :meth:`predict` has), "label"
        and "probabilities" for a classifier.

        Without categories, the only input is "X", of shape (n, `n_features_in_`). With
        categories, every column of X is an input of shape (n, 1): all columns, in their
        order, also those that the model does not use. They are named as in
        `feature_names_in_`, or "x0", "x1", ... where X had no names. A category whose
        levels are strings takes strings; all other columns take numbers of the given
        dtype, and so do categories whose levels are numbers or bools.

        NaN is a missing number, and an empty string a missing string, unless "" was a
        level in the training: put it in place of None or NaN among strings. Levels that
        were not seen in the training are treated as by :meth:`predict`. Infinite
        numbers, which :meth:`predict` refuses, are not found.

        Parameters
        ----------
        path : str or path-like
            Where to write.
        dtype : {numpy.float64, numpy.float32}, default=numpy.float64
            Of the numbers that the file takes. Most tools pass float32, in which
            columns far from 0 lose digits before they are standardised.

        Raises
        ------
        ImportError
            If the package ``onnx`` is missing: ``pip install 'sklearn-ard[onnx]'``.
        ValueError
            If the network contains a module that only torch can run; if the dtype is
            neither of the two, or is float32 where levels of a category differ in
            float64 only; or if X has categories and names of columns that are empty,
            the same, or those of outputs.

        Examples
        --------
        Every column of a data frame is an input of its own:

        >>> import onnxruntime  # doctest: +SKIP
        >>> model.to_onnx("model.onnx")  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession("model.onnx")  # doctest: +SKIP
        >>> session.run(
        ...     ["prediction"],
        ...     {
        ...         "city": X[["city"]].astype(object).fillna("").to_numpy(),
        ...         "age": X[["age"]].to_numpy(dtype="float64"),
        ...     },
        ... )  # doctest: +SKIP
        """
        check_is_fitted(self)
        from sklearn_ard.inference.onnx import write_onnx

        fitted = self._fitted
        write_onnx(
            fitted.network,
            self.n_features_in_,
            path,
            dtype,
            owner=type(self).__name__,
            targets=fitted.targets,
            noise=fitted.noise,
            levels=fitted.reader.levels_,
            names=fitted.reader.columns.names,
        )

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self)
        return self._fitted.support

    def transform(self, X: MatrixLike) -> Any:
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
            with naming("X", X):
                return super().transform(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        kept = columns_of(X, np.flatnonzero(support))
        container = _get_output_config("transform", estimator=self)["dense"]
        if container == "default":
            return to_array(kept)
        same = container == ("pandas" if is_pandas(X) else "polars")
        return kept if same else to_frame(kept, container)

    def inverse_transform(self, X: MatrixLike) -> Matrix:
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

    _fitted: Any  # a State
    _outputs: Callable[[MatrixLike], np.ndarray]

    def predict(self, X: MatrixLike) -> np.ndarray:
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
        return self._fitted.targets.predictions(outputs, self._fitted.noise)


class LabelPredictor:
    """`predict` and `predict_proba` of a classifier."""

    _fitted: Any  # a State
    _outputs: Callable[[MatrixLike], np.ndarray]

    def predict(self, X: MatrixLike) -> np.ndarray:
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

    def predict_proba(self, X: MatrixLike) -> np.ndarray:
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

    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Predict the logarithm of the probability of every label.

        Parameters
        ----------
        X : {DataFrame, array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. From a data frame, only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In nats, in the order of `classes_`; exact also where a probability is 0.
        """
        outputs = self._outputs(X)
        return self._fitted.targets.log_probabilities(outputs)
