"""Errors that say which argument could not be read.

Input: the error of numpy, scikit-learn or torch. Output: one that names the argument.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn import get_config

_NAMED = re.compile(r"\b(X|y|[Ss]ample[_ ]weights?|groups)\b")


@contextmanager
def naming(name: str, array: object = None) -> Iterator[None]:
    """Context in which errors name an argument, unless they name one already.

    Parameters
    ----------
    name : str
        Of the argument: "X", "y" or "sample_weight".
    array : array-like, optional
        The argument. With scikit-learn's ``array_api_dispatch``, which promises results
        of the same kind, it has to be numpy's.

    Raises
    ------
    TypeError
        In place of one that names no argument, and for arrays that are not numpy's.
    ValueError
        The same, and in place of an OverflowError or a RuntimeError.
    """
    if get_config()["array_api_dispatch"] and _is_foreign(array):
        raise TypeError(
            f"{name} must be an array of numpy with array_api_dispatch=True, since the "
            f"results are. Got a {type(array).__module__}.{type(array).__name__} "
            "instead. Convert it, or set array_api_dispatch=False."
        )
    try:
        yield
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        if isinstance(error, (TypeError, ValueError)) and _NAMED.search(str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        message = f"{name} cannot be read: {error}"
        raise kind(message) from error


def _is_foreign(array: object) -> bool:
    """Whether an array is one of another library than numpy."""
    is_array = hasattr(array, "__array_namespace__") or hasattr(array, "__dlpack__")
    return is_array and not isinstance(array, np.ndarray)
