"""Saving of fitted models to files of arrays and JSON.

Input: the plain state of a model, or a file. Output: the file, or the model again. The
file does not import torch, since compact predictors and estimators share it.
"""

from os import PathLike
from typing import Any, BinaryIO, Self

from sklearn.utils.validation import check_is_fitted

from sklearn_ard._archive import Archive, NotPlain, read, write

_DAMAGES = AttributeError, LookupError, RuntimeError, TypeError, ValueError


class Saved:
    """A model with `save` and `load`.

    A class has an `_archive`, `_plain_state` and `_set_plain_state`.
    """

    _archive: Archive
    _plain_state: Any
    _set_plain_state: Any

    def save(self, path: str | PathLike | BinaryIO) -> None:
        """Write the model to a file of arrays and JSON.

        A file is loaded by every later version, on any machine. It holds data only:
        nothing in it is executed.

        Parameters
        ----------
        path : str, path-like or binary file
            Where to write a file of :func:`numpy.savez_compressed`. An existing file is
            replaced at once.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If parameters or labels of classes are other objects than numbers, strings,
            dates, and lists of these.

        See Also
        --------
        load : Reads it.
        """
        from sklearn_ard import __version__

        check_is_fitted(self)
        contents = {"class": type(self).__name__, "sklearn_ard": __version__}
        try:
            contents["model"], arrays = self._archive.pack(self._plain_state())
        except NotPlain as error:
            raise ValueError(
                f"{type(self).__name__} can be saved if labels are numbers, strings or "
                f"dates. Got {error}. Fit it on labels of one of these kinds."
            ) from error
        write(path, contents, arrays)

    @classmethod
    def load(cls, path: str | PathLike | BinaryIO) -> Self:
        """Read a model that :meth:`save` has written.

        Parameters
        ----------
        path : str, path-like or binary file
            What to read.

        Returns
        -------
        object
            Of the class that this is called on.

        Raises
        ------
        ValueError
            If it is no such file, of another class, or of a newer version.
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
            model._set_plain_state(cls._archive.unpack(contents["model"], arrays))
        except _DAMAGES as error:
            raise ValueError(
                f"The file of {cls.__name__}.load is damaged: parts of the model are "
                f"missing ({type(error).__name__}: {error}). Save it again."
            ) from error
        return model
