"""Imports go one way: the order of the folders, and of the files within each."""

import ast
from pathlib import Path

import pytest

import sklearn_ard

PACKAGE = Path(sklearn_ard.__file__).parent
FOLDERS = {  # each imports from those above it only
    "nn.likelihoods": "base gaussian categorical location_scale heteroscedastic "
    "student_t skew_t",
    "nn": "activations priors mixin layers noise ensemble networks chain pruning "
    "convert sampling steps compaction objective warmup evidence",
    "nn.fast": "live_network width shrink adam gradient dense_gradient trainer",
    "": "_typing _context _archive _callbacks",
    "data": "columns frames levels reader table encoding bins blocks moments merge "
    "scaler copies order batches transforms noise targets training_set",
    "validation": "_naming _weights _validation",
    "training": "checkpoint callbacks net build task inputs trained start transfer "
    "rounds recipe ensemble comparison candidates",
    "inference": "activations operations network images modules moments posterior "
    "lower onnx_inputs onnx report state predictor distribution saving format "
    "compact compression estimator_format",
    "estimators": "_likelihoods _parameters _base _regressor _classifier",
    "selection": "threshold bounds walk points path jobs folds choice search halves "
    "stability",
    "cv": "_cv",
    "inspection": "players coalitions background chains tree enumeration "
    "attributions shapley anova effects samples conditional knockoff relevant",
    "plotting": "style effects attributions interactions model path stability",
}
RANKS = {}
for folder, files in FOLDERS.items():
    top = ("", "validation", "estimators", "cv")
    inside = "" if folder in top else f"{folder}."
    for file in files.split():
        RANKS[inside + file] = len(RANKS)
    RANKS[inside.rstrip(".")] = len(RANKS)  # its __init__


def modules():
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, list(imports(ast.parse(path.read_text())))


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:  # a file of the folder, or a name in the file
                inner = f"{node.module}.{alias.name}"
                is_file = inner.removeprefix("sklearn_ard.") in RANKS
                yield inner if is_file else node.module


def test_every_file_imports_only_from_above_in_the_list():
    for name, imported in modules():
        if not name:
            continue
        for other in imported:
            if other.startswith("sklearn_ard."):
                above = other.removeprefix("sklearn_ard.")
                assert RANKS[above] < RANKS[name], f"{name} imports {other}"


def test_every_file_is_in_the_list():
    assert {name for name, _ in modules()} - {""} <= set(RANKS)


def test_torch_storey_knows_nothing_of_scikit_learn_and_few_files_know_skorch():
    for name, imported in modules():
        tops = {other.split(".")[0] for other in imported}
        if name.startswith("nn"):
            assert not tops & {"sklearn", "skorch", "numpy", "pandas", "scipy"}, name
        if name not in ("training.net", "training.callbacks"):
            assert "skorch" not in tops, name
        assert name.startswith("plotting") or "matplotlib" not in tops, name


@pytest.mark.parametrize("path", sorted((PACKAGE / "plotting").glob("*.py")))
def test_matplotlib_is_imported_where_something_is_drawn_only(path):
    above = [n for n in ast.parse(path.read_text()).body if not hasattr(n, "body")]
    assert not any(n.startswith("matplotlib") for n in imports(ast.Module(above, [])))


def test_public_names_exist():
    for package in (sklearn_ard, sklearn_ard.inspection, sklearn_ard.nn):
        assert all(hasattr(package, name) for name in package.__all__)
        assert sorted(package.__all__) == package.__all__
