"""The code of README, of the handbook and of its tutorials runs as it stands there."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from sklearn.datasets.tests.test_openml import _monkey_patch_webbased_functions

import sklearn_ard
from sklearn_ard import inspection, nn

ROOT = Path(__file__).parents[1]
HANDBOOK = ROOT / ".docs"
PAGES = [page.stem for page in HANDBOOK.glob("*.rst") if ">>> " in page.read_text()]
OUTPUTS = {
    "prior": r"kept: \[0 1 2 3 4\]\npruned: 9\d\.\d%\n",
    "likelihood": r"kept: \[3 7\]\ncovered: (8|9)\d%\nnoise: 0\.[34]\d, truly 0\.42\n",
    "candidate": r"(?s).*student_t.*kept: \[3 7\]\n",
}
LONG = (
    "start",
    "parameters",
    "likelihood",
    "candidate",
)  # default fits, ten seconds each


def marked(names):
    slow = pytest.mark.slow
    return [pytest.param(n, marks=slow) if n in LONG else n for n in sorted(names)]


@pytest.fixture(autouse=True)
def openml(monkeypatch, tmp_path):
    """OpenML is the copy of the Titanic's passengers that scikit-learn ships."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    _monkey_patch_webbased_functions(monkeypatch, 40945, gzip_response=True)


def test_the_picture_of_the_readme_is_drawn_by_its_lines(monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(code.replace("random_state=0", "random_state=0, n_bins=0"), names)
    kept = set(names["model"].get_feature_names_out())
    assert {"sex", "pclass", "age"} <= kept
    assert len(kept) < names["X"].shape[1]


@pytest.mark.parametrize("page", marked(PAGES))
def test_the_code_of_a_page_gives_what_it_says(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(
        str(HANDBOOK / f"{page}.rst"), False, optionflags=flags
    )
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("name", marked(OUTPUTS))
def test_a_tutorial_runs(name):
    run = subprocess.run(
        [sys.executable, HANDBOOK / "tutorials" / f"{name}.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    assert re.fullmatch(OUTPUTS[name], run.stdout), run.stdout + run.stderr


def test_the_reference_lists_every_public_name():
    listed, text = set(), (HANDBOOK / "api.rst").read_text()
    for section in text.split(".. currentmodule:: ")[1:]:
        module = section.split()[0]
        listed |= {f"{module}.{n}" for n in re.findall(r"^   (\w+)$", section, re.M)}
    modules = (sklearn_ard, inspection, nn)
    public = {f"{m.__name__}.{name}" for m in modules for name in m.__all__}
    assert listed == public


def test_the_front_page_is_short():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
        assert (ROOT / target).exists(), target
