"""Compact predictors: fitted models that need no torch.

Input: a fitted estimator, or a file. Output: a small model that predicts, selects and
says how sure it is, and a file of it.
"""

import io
from dataclasses import fields
from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_ard._typing import MatrixLike
from sklearn_ard.inference.distribution import DistributionPredictor
from sklearn_ard.inference.format import MODELS
from sklearn_ard.inference.predictor import LabelPredictor, Predictor
from sklearn_ard.inference.saving import Saved
from sklearn_ard.inference.state import State

_KEPT = ("n_features_in_", "feature_names_in_", "feature_importances_")
_PUBLIC = "sklearn_ard"  # the module that pickles and skops name, since it stays
_REQUESTS = "_metadata_request"  # of scikit-learn, not of the model


class _Compact(Saved, Predictor):
    """Base of the compact predictors, which predict and cannot be trained.

    As with :class:`sklearn.frozen.FrozenEstimator`, `fit` does nothing, and a clone is
    the model itself. What is saved or pickled is the plain state of the model, not the
    objects that it consists of here.
    """

    _kept: tuple[str, ...] = _KEPT
    _archive = MODELS

    @classmethod
    def _from_estimator(cls, estimator: Any) -> Self:
        """The compact model of a fitted estimator."""
        model, fitted = cls(), estimator._fitted
        state = {each.name: getattr(fitted, each.name) for each in fields(State)}
        model._fitted = State(**state)
        for name in cls._kept:
            if hasattr(estimator, name):
                setattr(model, name, getattr(estimator, name))
        return model

    def __sklearn_clone__(self) -> Self:
        return self

    def fit(self, X: MatrixLike, y: ArrayLike, *args: Any, **kwargs: Any) -> Self:
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

    def _plain_state(self) -> dict[str, Any]:
        return {name: v for name, v in vars(self).items() if name != _REQUESTS}

    def _set_plain_state(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __getstate__(self) -> dict[str, Any]:
        file = io.BytesIO()
        if "_fitted" in vars(self):
            self.save(file)
        state = {"file": file.getvalue()}
        if _REQUESTS in vars(self):
            state[_REQUESTS] = vars(self)[_REQUESTS]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["file"]:
            self.__dict__.update(vars(self.load(io.BytesIO(state["file"]))))
        if _REQUESTS in state:
            self.__dict__[_REQUESTS] = state[_REQUESTS]


class CompactRegressor(DistributionPredictor, RegressorMixin, _Compact):
    """Compact :class:`ARDRegressor`, in numpy.

    Returned by :meth:`ARDRegressor.compact`, or by :meth:`load`. Its file or pickle is
    as small as the pruned network. It has `predict` (with `return_std`),
    `predict_quantiles`, `log_density`, `transform`, `score`, `noise_std_` and
    `feature_importances_`.

    It does not need torch. Where models are only used, ``pip install scikit-learn
    pandas`` and ``pip install --no-deps sklearn-ard`` install all that they need.
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
