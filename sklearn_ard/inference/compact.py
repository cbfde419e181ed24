"""Compact predictors: fitted models that need no torch.

Input: a fitted estimator, or a file. Output: a small model that predicts, selects and
says how sure it is, and a file of it.
"""

import io
from dataclasses import fields

from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_ard._archive import NotPlain, read, write
from sklearn_ard.inference.distribution import DistributionPredictor
from sklearn_ard.inference.format import MODELS
from sklearn_ard.inference.predictor import LabelPredictor, Predictor
from sklearn_ard.inference.state import State

_KEPT = ("n_features_in_", "feature_names_in_", "feature_importances_")
_PUBLIC = "sklearn_ard"  # the module that pickles and skops name, since it stays
_REQUESTS = "_metadata_request"  # of scikit-learn, not of the model


class _Compact(Predictor):
    """Base of the compact predictors, which predict and cannot be trained.

    As with :class:`sklearn.frozen.FrozenEstimator`, `fit` does nothing, and a clone is
    the model itself. What is saved or pickled is the plain state of the model, not the
    objects that it consists of here.
    """

    _kept = _KEPT

    @classmethod
    def _from_estimator(cls, estimator):
        """The compact model of a fitted estimator."""
        model, fitted = cls(), estimator._fitted
        state = {each.name: getattr(fitted, each.name) for each in fields(State)}
        model._fitted = State(**state)
        for name in cls._kept:
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

    def save(self, path):
        """Write the model to a file of arrays and JSON.

        A file is loaded by every later version, on any machine, with or without torch.
        It holds data only: nothing in it is executed.

        Parameters
        ----------
        path : str, path-like or binary file
            Where to write a file of :func:`numpy.savez_compressed`. An existing file is
            replaced at once.

        Raises
        ------
        ValueError
            If labels of classes are other objects than numbers, strings and dates.

        See Also
        --------
        load : Reads it.
        """
        from sklearn_ard import __version__

        check_is_fitted(self)
        contents = {"class": type(self).__name__, "sklearn_ard": __version__}
        state = {name: v for name, v in vars(self).items() if name != _REQUESTS}
        try:
            contents["model"], arrays = MODELS.pack(state)
        except NotPlain as error:
            raise ValueError(
                f"{type(self).__name__} can be saved if labels are numbers, strings or "
                f"dates. Got {error}. Fit it on labels of one of these kinds."
            ) from error
        write(path, contents, arrays)

    @classmethod
    def load(cls, path):
        """Read a model that :meth:`save` has written.

        Parameters
        ----------
        path : str, path-like or binary file
            What to read.

        Returns
        -------
        CompactRegressor or CompactClassifier
            Of the class that this is called on.

        Raises
        ------
        ValueError
            If it is no such file, of the other class, or of a newer version.
        """
        contents, arrays = read(path)
        if contents["class"] != cls.__name__:
            raise ValueError(
                f"{cls.__name__}.load needs a file that {cls.__name__}.save has "
                f"written. Got one of {contents['class']} instead. Load it by "
                f"sklearn_ard.{contents['class']}.load."
            )
        model = cls()
        try:
            vars(model).update(MODELS.unpack(contents["model"], arrays))
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(
                f"The file of {cls.__name__}.load is damaged: parts of the model are "
                f"missing ({type(error).__name__}: {error}). Save it again."
            ) from error
        return model

    def __getstate__(self):
        file = io.BytesIO()
        if "_fitted" in vars(self):
            self.save(file)
        state = {"file": file.getvalue()}
        if _REQUESTS in vars(self):
            state[_REQUESTS] = vars(self)[_REQUESTS]
        return state

    def __setstate__(self, state):
        if state["file"]:
            vars(self).update(vars(self.load(io.BytesIO(state["file"]))))
        if _REQUESTS in state:
            vars(self)[_REQUESTS] = state[_REQUESTS]


class CompactRegressor(DistributionPredictor, RegressorMixin, _Compact):
    """Compact :class:`ARDRegressor`, in numpy.

    Returned by :meth:`ARDRegressor.compact`, or by :meth:`load`. It does not need
    torch, and its file or pickle is as small as the pruned network. It has `predict`
    (with `return_std`), `predict_quantiles`, `log_density`, `transform`, `score`,
    `noise_std_` and `feature_importances_`.
    """

    __module__ = _PUBLIC
    _kept = (*_KEPT, "noise_std_")


class CompactClassifier(LabelPredictor, ClassifierMixin, _Compact):
    """Compact :class:`ARDClassifier`, in numpy.

    Returned by :meth:`ARDClassifier.compact`, or by :meth:`load`. It has `predict`,
    `predict_proba`, `predict_log_proba`, `transform`, `score`, `classes_` and
    `feature_importances_`, does not need torch, and its file or pickle is as small as
    the pruned network.
    """

    __module__ = _PUBLIC
    _kept = (*_KEPT, "classes_")
