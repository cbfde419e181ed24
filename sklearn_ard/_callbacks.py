"""A fit and its parts as tasks, of which the callbacks of scikit-learn are told.

Input: an estimator, on which `set_callbacks` may have been called. Output: contexts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator

from sklearn_ard._context import unchanged_on_error

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback._callback_support import callback_management_context
except ImportError:  # before scikit-learn 1.9 there are none to be told

    class CallbackSupportMixin:  # type: ignore[no-redef] # in its place
        """Nothing to support."""


class FitTask:
    """A task of a fit; nothing happens where there are no callbacks.

    Parameters
    ----------
    estimator : estimator
        Whose `fit` this is.
    context : CallbackContext or None
        Of scikit-learn; None without callbacks.
    """

    def __init__(self, estimator: BaseEstimator, context: Any = None):
        self.estimator, self.context = estimator, context

    def begin(self, name: str, n_parts: int = 0) -> "FitTask":
        """Begin a part of the task that itself has some parts, at most.

        Parameters
        ----------
        name : str
            What is done.
        n_parts : int, default=0
            How many parts it has.

        Returns
        -------
        FitTask
            The part.
        """
        if self.context is None:
            return self
        context = self.context.subcontext(name, max_subtasks=n_parts)
        context.call_on_fit_task_begin(estimator=self.estimator)
        return FitTask(self.estimator, context)

    def end(self) -> bool:
        """End the task; whether a callback asks to stop."""
        if self.context is None:
            return False
        return self.context.call_on_fit_task_end(estimator=self.estimator)


@contextmanager
def fit_task(
    estimator: BaseEstimator, X: object, y: object, sample_weight: object
) -> Iterator[FitTask]:
    """A fit as a :class:`FitTask`; after an error the estimator is as it was.

    Parameters
    ----------
    estimator : estimator
        With scikit-learn's ``CallbackSupportMixin``.
    X, y, sample_weight
        As in `fit`.

    Yields
    ------
    FitTask
        Has one part.
    """
    if not vars(estimator).get("_skl_callbacks"):
        with unchanged_on_error(estimator):
            yield FitTask(estimator)
        return
    weights = None if sample_weight is None else {"sample_weight": sample_weight}
    rows = {"estimator": estimator, "X": X, "y": y, "metadata": weights}
    with callback_management_context(estimator):
        context = estimator._init_callback_context(max_subtasks=1)
        context.call_on_fit_task_begin(**rows)
        with unchanged_on_error(estimator):
            yield FitTask(estimator, context)
            # the estimator is fitted: it needs no further attributes to predict
            context.call_on_fit_task_end(**rows, reconstruction_attributes=dict)
