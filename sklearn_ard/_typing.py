"""Types that annotations share, of what users give and of what is made of it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from numpy.typing import ArrayLike
from scipy.sparse import sparray, spmatrix

MatrixLike: TypeAlias = ArrayLike | sparray | spmatrix  # X: data frames are array-like
# mypy knows neither pandas and polars, nor what sp.issparse tells
Frame: TypeAlias = Any  # a data frame of pandas or polars
Matrix: TypeAlias = Any  # ndarray or csr_array
Series: TypeAlias = Any  # a column of one
Scorer: TypeAlias = Callable[..., float]  # takes an estimator, X and y
