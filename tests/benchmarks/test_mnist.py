"""The rows of the literature beside our networks on MNIST."""

import importlib.util
import itertools
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "mnist.py"
spec = importlib.util.spec_from_file_location("mnist", SCRIPT)
mnist = importlib.util.module_from_spec(spec)
sys.modules["mnist"] = mnist  # dataclasses look there
spec.loader.exec_module(mnist)


def test_compression_and_multiply_adds_follow_from_the_units_that_are_left():
    n_weights = 784 * 300 + 300 * 100 + 100 * 10
    found = 0
    for row in mnist.EXPERIMENTS["lenet-300-100"].papers:
        row = dict(zip(mnist.COLUMNS, row, strict=False))
        if row.get("multiply-adds"):
            sizes = [*map(int, row["left"].split("-")), 10]
            n_left = sum(a * b for a, b in itertools.pairwise(sizes))
            assert row["multiply-adds"] == f"{n_left:,}"
            assert row["compression"] == round(n_weights / n_left, 1)
            found += 1
    assert found == 2


def test_rows_say_whether_their_error_is_the_last_or_the_best(capsys):
    for name, experiment in mnist.EXPERIMENTS.items():
        for row in experiment.papers:
            mnist.print_row(name, dict(zip(mnist.COLUMNS, row, strict=False)))
            cells = capsys.readouterr().out.strip().strip("|").split("|")
            assert len(cells) == 1 + len(mnist.COLUMNS)
            assert cells[3].strip() in ("", "final", "best seen", "no larger")
