"""Checkpoints of a fit, so that one that was killed can be continued.

Input: the state of every training of a fit, while it goes on. Output: the same state
when the fit is repeated, whose trainings then end at once, or go on where they were.

A fit is a sequence of trainings, which data, parameters and random state determine. A
repeated fit does everything again but the steps that are stored, and so ends with the
same bits.
"""

import json
import pickle
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import torch
from filelock import FileLock, Timeout
from sklearn.base import BaseEstimator

from sklearn_ard import __version__
from sklearn_ard._archive import Archive, read, replace_file, write

EVERY = 10.0  # seconds, at least, between two states of one training
_HEADER, _LOCK = "fit.json", "lock"
_STORED = re.compile(r"\d{5}\.npz|fit\.json")
# what a killed process has half-written
_UNFINISHED = re.compile(r"\.(\d{5}\.npz|fit\.json)\.[0-9a-f]{32}")
_FREE = ("checkpoint", "verbose")  # parameters that may be others


class Checkpoint:
    """The states of all trainings of a fit, in a folder; a context.

    At its end the folder is removed if `finished` was set.

    Parameters
    ----------
    path : str or path-like
        The folder; it is made if it does not exist.
    owner : str
        Class name for errors.
    fit : dict of str to str
        Hashes of what determines the fit, by the names of parameters.

    Raises
    ------
    ValueError
        On entry, if another fit uses the folder at present, or if there are states of a
        fit of other data or parameters.
    """

    def __init__(self, path: str | PathLike, owner: str, fit: dict[str, str]):
        self.path, self.owner, self.fit = Path(path), owner, fit
        self.finished, self._turn, self._last = False, -1, 0.0

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"The 'checkpoint' parameter of {self.owner} must be a folder that can "
                f"be made. Got {str(self.path)!r} instead ({error}). Pass another path."
            ) from error
        self._lock = FileLock(self.path / _LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"The 'checkpoint' parameter of {self.owner} must be a folder of its "
                f"own for every fit. Got {str(self.path)!r}, which another fit uses at "
                "present."
            ) from error
        try:
            self._check_fit()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self.finished:
            for name in sorted(self._names()):  # the header last
                if _STORED.fullmatch(name) or _UNFINISHED.fullmatch(name):
                    (self.path / name).unlink()
        self._lock.release()
        if self.finished:
            (self.path / _LOCK).unlink(missing_ok=True)
            if not self._names():
                self.path.rmdir()

    def _names(self) -> list[str]:
        """Names of what is in the folder, but for the lock."""
        return [each.name for each in self.path.iterdir() if each.name != _LOCK]

    def _check_fit(self) -> None:
        header = self.path / _HEADER
        if not header.exists():
            names = sorted(self._names())
            others = [name for name in names if not _UNFINISHED.fullmatch(name)]
            if others:
                raise ValueError(
                    f"The 'checkpoint' parameter of {self.owner} must be a new or an "
                    f"empty folder, or one with the states of this fit. Got "
                    f"{str(self.path)!r} instead, which holds {others[0]!r}."
                )
            replace_file(header, json.dumps(self.fit).encode())
            return
        try:
            before = dict(json.loads(header.read_text()))
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"The 'checkpoint' folder {str(self.path)!r} of {self.owner} is "
                f"damaged: {_HEADER} cannot be read. Remove the folder to begin again."
            ) from error
        names = [*self.fit, *(name for name in before if name not in self.fit)]
        others = [name for name in names if before.get(name) != self.fit.get(name)]
        if others:
            raise ValueError(
                f"The 'checkpoint' folder {str(self.path)!r} of {self.owner} holds a "
                f"fit with another {', '.join(others)}. Pass the same to continue it, "
                "or remove the folder to begin again."
            )

    def begin(self) -> dict[str, Any] | None:
        """Begin the next training of the fit: its stored state, or None."""
        self._turn, self._last = self._turn + 1, time.monotonic()
        if not self._file.exists():
            return None
        contents, arrays = read(self._file)
        return of_torch(Archive().unpack(contents["state"], arrays))

    @property
    def is_due(self) -> bool:
        """Whether the state of the training should be stored before it ends."""
        return time.monotonic() - self._last >= EVERY

    def save(self, state: dict[str, Any]) -> None:
        """Store the state of the present training: tensors, numbers and strings."""
        text, arrays = Archive().pack(of_numpy(state))
        write(self._file, {"state": text}, arrays, compressed=False)
        self._last = time.monotonic()

    @property
    def _file(self) -> Path:
        return self.path / f"{self._turn:05}.npz"


def checkpoint_of(
    estimator: BaseEstimator, **data: object
) -> AbstractContextManager[Checkpoint | None]:
    """The checkpoint of a fit, as a context; of None without the parameter.

    Parameters
    ----------
    estimator : ARDRegressor or ARDClassifier
        With its parameters.
    **data : object
        X, y and weights.

    Raises
    ------
    ValueError
        If the fit could not be repeated with the same bits.
    """
    if estimator.checkpoint is None:
        return nullcontext()
    owner, parameters = type(estimator).__name__, estimator.get_params(deep=False)
    for name, possible, must in (
        ("random_state", isinstance(estimator.random_state, Integral), "an int"),
        ("callbacks", not _has_callbacks(estimator), "None: their state is not stored"),
        ("warm_start", not estimator.warm_start, "False"),
    ):
        if not possible:
            raise ValueError(
                f"The {name!r} parameter of {owner} must be {must}, where 'checkpoint' "
                f"is set. Got {parameters[name]!r} instead."
            )
    fit = {k: v for k, v in parameters.items() if k not in _FREE} | data
    fit["version of sklearn_ard or torch"] = __version__, torch.__version__
    hashes = {name: _hash(value) for name, value in fit.items()}
    return Checkpoint(estimator.checkpoint, owner, hashes)


def _has_callbacks(estimator: BaseEstimator) -> bool:
    """Whether skorch's callbacks are given, or scikit-learn's are set."""
    return bool(estimator.callbacks or vars(estimator).get("_skl_callbacks"))


def _hash(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value)  # whatever its layout
    try:
        return joblib.hash(value)
    except (pickle.PicklingError, AttributeError, TypeError):  # a lambda, for instance
        return f"{getattr(value, '__module__', '')}.{type(value).__qualname__}"


def of_numpy(value: Any) -> Any:
    """The same with arrays for tensors."""
    if torch.is_tensor(value):
        return value.detach().cpu().numpy()
    return _mapped(value, of_numpy)


def of_torch(value: Any) -> Any:
    """The same with tensors for arrays."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return _mapped(value, of_torch)


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: function(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(function, value))
    return value
