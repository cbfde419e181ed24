"""What it costs to fit a table with categories and gaps as it is.

    python encoding.py [--rows 6000] [--pairs 5]

Times the fit of a data frame beside that of an array of numbers with as many columns as
the frame makes inputs of the network, in turns, on one thread. Prints the processor
seconds of each pair, their ratio, and the medians.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch

from sklearn_ard import ARDRegressor


def make_table(n_rows, rng):
    """Five numbers, two of them with gaps, and five categories of 3 to 40 levels."""
    table = pd.DataFrame(rng.normal(size=(n_rows, 5)), columns=list("abcde"))
    for name in "de":
        table.loc[rng.random(n_rows) < 0.2, name] = np.nan
    for n_levels in (3, 5, 10, 20, 40):
        levels = [f"level {k}" for k in range(n_levels)]
        table[f"of {n_levels}"] = pd.Categorical(rng.choice(levels, n_rows))
    effect = rng.normal(size=10)
    y = np.sin(2 * table["a"]) + table["b"] * table["d"].isna()
    return table, y + effect[table["of 10"].cat.codes] + 0.2 * rng.normal(size=n_rows)


def seconds(X, y):
    start = time.process_time()  # which other work hardly changes
    ARDRegressor(n_bins=0, random_state=0).fit(X, y)
    return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    table, y = make_table(args.rows, rng)
    one_hot = pd.get_dummies(table, dtype=float).fillna(0.0)
    gaps = table[["d", "e"]].isna().to_numpy(float)
    numbers = np.hstack([one_hot.to_numpy(), gaps])
    seconds(numbers, y)  # the first fit also imports
    print(f"| pair | frame, s | {numbers.shape[1]} numbers, s | ratio |")
    print("|---|---:|---:|---:|")
    rows = []
    for pair in range(1, args.pairs + 1):
        of_table, of_numbers = seconds(table, y), seconds(numbers, y)
        rows.append((of_table, of_numbers, of_table / of_numbers))
        print_row(pair, rows[-1])
    print_row("median", np.median(rows, axis=0))


def print_row(pair, figures):
    print(f"| {pair} | {' | '.join(f'{x:.2f}' for x in figures)} |", flush=True)


if __name__ == "__main__":
    main()
