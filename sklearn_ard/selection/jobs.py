"""Fits at the same time, by joblib: in threads, processes or on a cluster.

Input: jobs. Output: their results in order, as they come where the backend can do that.
"""

from collections.abc import Iterator
from typing import Any

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel

from sklearn_ard._callbacks import FitTask


def results_of(
    jobs: list, n_jobs: int | None, task: FitTask, name: str, verbose: int = 0
) -> Iterator[Any]:
    """Run jobs.

    Parameters
    ----------
    jobs : list of delayed calls
        Of :func:`sklearn.utils.parallel.delayed`, which hands on the configuration.
    n_jobs : int or None
        How many run at the same time.
    task : FitTask
        That they are the parts of.
    name : str
        What a job is.
    verbose : int, default=0
        Of joblib.

    Yields
    ------
    object
        The result of a job.
    """
    backend, _ = get_active_backend()
    return_as = "generator" if backend.supports_return_generator else "list"
    all_of_them = task.begin(f"every {name}", len(jobs))
    for result in Parallel(n_jobs, return_as=return_as, verbose=verbose)(jobs):
        all_of_them.begin(name).end()
        yield result
    all_of_them.end()
