"""
Data larger than memory: parquet through partial_fit
====================================================

`partial_fit` reads a table in chunks, and keeps none of them. A file of parquet comes
out of pyarrow as batches of rows; a few of them at a time are a chunk. Here 600,000
rows and 40 columns, of which five matter, are fitted twice: as a stream that passes
twice, and all at once in memory. Each runs in a process of its own, whose peak memory
(the resident set) is that of the system, less what it was before the first row was
read. It prints ::

    file: 243 MB
    stream: 344 MB, 143 s, R2 0.921, keeps x0, x1, x2, x3, x4, x10
    memory: 841 MB, 103 s, R2 0.924, keeps x0, x1, x2, x3, x4

on a busy machine. The memory of the stream is mostly that of pyarrow's pool and of one
chunk; that of the fit grows with the file. A stream weighs columns on its last chunk
alone: it has kept one too many.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sklearn_ard import ARDRegressor

N_CHUNKS, ROWS, N_PASSES = 30, 20_000, 2
OPTIONS = {"n_bins": 0, "likelihood": "gaussian", "random_state": 0}


def make_rows(seed):
    """A table with the five columns x0 to x4 that matter, and its target y."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, 40))
    y = X[:, 0] * X[:, 1] + np.abs(X[:, 2]) + X[:, 3] + np.tanh(2 * X[:, 4])
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(40)])
    return frame.assign(y=y + 0.5 * rng.normal(size=ROWS))


def write(path):
    """One chunk after the other, so that writing needs no more memory than reading."""
    writer = None
    for seed in range(N_CHUNKS):
        table = pa.Table.from_pandas(make_rows(seed), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def fit_stream(path):
    model = ARDRegressor(**OPTIONS)
    for _ in range(N_PASSES):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS):
            rows = batch.to_pandas()
            model.partial_fit(rows.drop(columns="y"), rows["y"])
    return model


def fit_in_memory(path):
    rows = pd.read_parquet(path)
    return ARDRegressor(**OPTIONS).fit(rows.drop(columns="y"), rows["y"])


def peak():
    """Largest resident set so far, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run(name, path):
    """Fit, and say what it took and how good it is on rows that are in no chunk."""
    warm_up = make_rows(-1 % 2**32)[:1000]
    ARDRegressor(**OPTIONS, max_iter=50).fit(warm_up.drop(columns="y"), warm_up["y"])
    before, start = peak(), time.perf_counter()
    model = {"stream": fit_stream, "memory": fit_in_memory}[name](path)
    seconds, memory = time.perf_counter() - start, peak() - before
    rows = make_rows(N_CHUNKS)
    score = model.score(rows.drop(columns="y"), rows["y"])
    kept = ", ".join(model.get_feature_names_out())
    print(f"{name}: {memory:.0f} MB, {seconds:.0f} s, R2 {score:.3f}, keeps {kept}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run(*sys.argv[1:])
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            write(path)
            print(f"file: {path.stat().st_size / 1e6:.0f} MB")
            for name in ("stream", "memory"):
                subprocess.run([sys.executable, __file__, name, path], check=True)
