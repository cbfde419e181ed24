"""What fitted models do with a compact network: predict, select and transform.

No torch here: the compact predictors share it with the estimators.
"""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data


class Predictor(SelectorMixin, BaseEstimator):
    """A model with a fitted `_network` and `_support`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _raw_predict(self, X):
        """Outputs of the network on scaled targets (or logits), in float64.

        Only the columns that the network reads are looked at: neither copied nor
        searched for missing values are the others.
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
            return network(X, owner, slice(None))
        X = validate_data(
            self,
            X,
            reset=False,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
        )
        return network(X, owner)

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
        config = getattr(self, "_sklearn_output_config", {})
        return checked if config.get("transform", "default") == "default" else X


class NumberPredictor:
    """The face of a regressor, over `_target_scaler` and `_y_is_1d`."""

    def predict(self, X):
        """Predict with the posterior means of the kept weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. Only the columns in use are read.

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
            Inputs. Only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        return self.classes_[self._raw_predict(X).argmax(axis=1)]

    def predict_proba(self, X):
        """Predict the probability of every label, with the posterior mean weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. Only the columns in use are read.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return softmax(self._raw_predict(X), axis=1)


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
