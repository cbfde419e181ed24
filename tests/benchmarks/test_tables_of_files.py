"""The benchmark of tables, on tables of files."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "tables.py"
spec = importlib.util.spec_from_file_location("benchmark_of_tables", SCRIPT)
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    x, place = rng.normal(size=80), rng.choice(["1", "2", None], 80)
    frame = pd.DataFrame({"x": x, "place": place})
    for name, y in {"price": 2 * x, "kind": np.where(x > 0, "yes", "no")}.items():
        frame.assign(target=y).to_csv(tmp_path / f"{name}.csv.gz", index=False)
    tasks = {
        "price": {"task": "regression", "categories": ["place"]},
        "kind": {"task": "classification", "categories": ["place"]},
    }
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    return tmp_path


def test_files_are_read_with_their_categories_and_gaps(folder):
    found = tables.from_folder(folder)
    (is_number, load_price), (is_kind, load_kind) = found["price"], found["kind"]
    assert (is_number, is_kind) == (True, False)
    X, y = load_price(None)
    assert list(X) == ["x", "place"]
    assert X["place"].cat.categories.tolist() == ["1", "2"]  # no numbers
    assert 0 < X["place"].isna().sum() < 80
    np.testing.assert_allclose(y, 2 * X["x"])
    X, y = load_kind(None)
    np.testing.assert_array_equal(y, X["x"] > 0)


def test_ratios_are_of_the_tables_of_all_models_and_of_its_own(
    folder, monkeypatch, capsys
):
    monkeypatch.setattr(tables, "TABLES", tables.from_folder(folder))
    monkeypatch.setattr(tables, "TOO_LONG", {("kind", "twice")})
    monkeypatch.setitem(tables.MODELS, "twice", tables.hgb)
    tables.compare_models(["price", "kind"], ["hgb", "twice"], 1)
    out = capsys.readouterr().out
    assert "| kind | twice | not run | | |" in out
    hgb, twice = out.splitlines()[-2:]
    cells = [cell.strip() for cell in twice.strip("|").split("|")]
    assert cells[:3] == ["twice", "1.000", "0"]
    assert cells[4:] == ["1.000", "1"]
    assert hgb.endswith("| 1.000 | 2 |")
