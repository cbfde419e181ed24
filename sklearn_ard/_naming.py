"""Errors of a conversion that say which argument could not be converted.

Input: the error of numpy, scikit-learn or torch. Output: one that names the argument.
"""

import re
from contextlib import contextmanager

_NAMED = re.compile(r"\b(X|y|[Ss]ample[_ ]weights?|groups)\b")


@contextmanager
def naming(name):
    """Context in which errors name an argument, unless they name one already.

    Parameters
    ----------
    name : str
        Of the argument: "X", "y" or "sample_weight".

    Raises
    ------
    TypeError
        In place of one that names no argument.
    ValueError
        The same, and in place of an OverflowError or a RuntimeError.
    """
    try:
        yield
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        if isinstance(error, (TypeError, ValueError)) and _NAMED.search(str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        message = f"{name} cannot be read as numbers or labels: {error}"
        raise kind(message) from error
