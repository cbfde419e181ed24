"""What fitted models do with a compact network: predict, select and transform.

No torch here: the compact predictors share it with the estimators.
"""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.feature_selection import SelectorMixin
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_array, check_is_fitted, validate_data


class Predictor(SelectorMixin, BaseEstimator):
    """A model with a fitted `_network` and `_support`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _raw_predict(self, X):
        """Outputs of the network on scaled targets (or logits).

        Of a data frame only the columns in use are read. An array is searched for
        missing values as a whole, as scikit-learn's estimators do, but never copied.
        """
        network, owner = vars(self).get("_network"), type(self).__name__
        if (  # nothing that scikit-learn's checks, slow for one row, could object to
            network is not None
            and type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype.kind in "fiub"
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in vars(self)
        ):
            return network(X, owner)
        check_is_fitted(self)
        refuse_images(X)
        if _is_frame(X) and len(network.columns):
            validate_data(self, X, reset=False, skip_check_array=True)
            X = check_array(
                X.iloc[:, network.columns],
                dtype=[np.float64, np.float32],
                estimator=self,
                input_name="X",
            )
            return network(X, owner, selected=True)
        X = validate_data(
            self,
            X,
            reset=False,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
        )
        return network(X, owner)

    def to_onnx(self, path, *, dtype=np.float64):
        """Write the whole model to a file that :mod:`onnxruntime` can run.

        From raw X to the answers, with standardisation, units of y and class labels in
        it. Its input is named "X"; its outputs are "prediction" for a regressor (of the
        shape that :meth:`predict` has), "label" and "probabilities" for a classifier.

        Parameters
        ----------
        path : str or path-like
            Where to write.
        dtype : {numpy.float64, numpy.float32}, default=numpy.float64
            Of the X that it is going to be given. float32 is what most tools feed, but
            columns far from 0 lose digits before they are standardised.

        Raises
        ------
        ImportError
            If the package ``onnx`` is missing: ``pip install 'sklearn-ard[onnx]'``.
        ValueError
            If the network has something in it that only torch can run, or the dtype is
            neither of the two.
        """
        check_is_fitted(self)
        from sklearn_ard.inference.onnx import write_onnx

        write_onnx(self, path, dtype)

    def _get_support_mask(self):
        check_is_fitted(self)
        return self._support

    def transform(self, X):
        """Keep the columns that are in use.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. Of a data frame only the kept columns are read.

        Returns
        -------
        {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_kept)
            The kept columns, as they are.
        """
        check_is_fitted(self)
        if not _is_frame(X) or not self._support.any():
            return super().transform(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        X = X.iloc[:, np.flatnonzero(self._support)]
        checked = check_array(X, dtype=None, estimator=self, input_name="X")
        wanted = _get_output_config("transform", estimator=self)["dense"]
        return checked if wanted == "default" else X


class NumberPredictor:
    """The face of a regressor, over `_target_scaler` and `_y_is_1d`."""

    def predict(self, X):
        """Predict with the posterior means of the kept weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. Of a data frame only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In units of y.
        """
        outputs = self._raw_predict(X)
        prediction = self._target_scaler.inverse_transform(outputs)
        return prediction[:, 0] if self._y_is_1d else prediction


class LabelPredictor:
    """The face of a classifier, over `classes_`."""

    def predict(self, X):
        """Predict the most probable label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. Of a data frame only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        best = self._raw_predict(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Predict the probability of every label, with the posterior mean weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. Of a data frame only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return softmax(self._raw_predict(X).astype(np.float64), axis=1)


class _Compact(Predictor):
    """What is left of a fitted estimator: enough to predict, and nothing to train.

    As :class:`sklearn.frozen.FrozenEstimator`, it is fitted for good: `fit` does
    nothing, and a clone is the model itself.
    """

    _taken = ("n_features_in_", "_network", "_support")

    @classmethod
    def from_estimator(cls, estimator):
        """The compact model of a fitted estimator."""
        model = cls()
        for name in (*cls._taken, "feature_names_in_"):
            if hasattr(estimator, name):
                setattr(model, name, getattr(estimator, name))
        return model

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_network")

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
    """What is left of an :class:`ARDRegressor`: `predict` and `transform`, in numpy.

    Comes from :meth:`ARDRegressor.compact`; it needs no torch, and its pickle is as
    small as the network has become.
    """

    _taken = (*_Compact._taken, "_target_scaler", "_y_is_1d", "noise_std_")


class CompactClassifier(LabelPredictor, ClassifierMixin, _Compact):
    """What is left of an :class:`ARDClassifier`, in numpy.

    Comes from :meth:`ARDClassifier.compact`; it has `predict`, `predict_proba`,
    `transform` and `classes_`, needs no torch, and its pickle is as small as the
    network has become.
    """

    _taken = (*_Compact._taken, "classes_")


def _is_frame(X):
    return hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2


def refuse_images(X):
    """Say what to do with images that come in more than two dimensions."""
    shape = getattr(X, "shape", ())
    if len(shape) > 2:
        images = (1, *shape[1:]) if len(shape) == 3 else tuple(shape[1:])
        raise ValueError(
            "X must be 2-D, one flattened image per row. Got an array of shape "
            f"{tuple(shape)} instead. Reshape your data: pass X.reshape(len(X), -1), "
            "and say what a row is by the 'input_shape' parameter, (channels, height, "
            f"width), here input_shape={images}."
        )
