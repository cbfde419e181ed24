"""Imports go one way: who may import whom."""

import ast
from pathlib import Path

import sklearn_ard

PACKAGE = Path(sklearn_ard.__file__).parent
ORDER = [
    "nn._priors",
    "nn._layers",
    "nn._convert",
    "nn._networks",
    "nn._chain",
    "nn._ensemble",
    "nn._compact",
    "nn._objective",
    "nn._evidence",
    "nn._slim",
    "nn._adam",
    "nn._gradient",
    "nn._trainer",
    "nn._sampling",
    "nn",
    "_data",
    "_inference",
    "_images",
    "_onnx",
    "_predict",
    "_context",
    "_lower",
    "_report",
    "_batches",
    "_net",
    "_judge",
    "_trained",
    "_ensemble",
    "_recipe",
    "_stretch",
    "_build",
    "_shrink",
    "_threshold",
    "_training_data",
    "_base",
    "_regressor",
    "_classifier",
    "_walk",
    "_path",
    "_choice",
    "_cv",
    "_stability",
    "_display",
    "_display_path",
]


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
            if node.module == "sklearn_ard":
                yield from (f"sklearn_ard.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_every_module_imports_only_from_below():
    for name, imported in modules():
        if not name:
            continue
        for other in imported:
            if other.startswith("sklearn_ard."):
                below = other.removeprefix("sklearn_ard.")
                assert ORDER.index(below) < ORDER.index(name), f"{name} imports {other}"


def test_torch_storey_knows_nothing_of_scikit_learn_and_one_file_knows_skorch():
    for name, imported in modules():
        tops = {other.split(".")[0] for other in imported}
        if name.startswith("nn"):
            assert not tops & {"sklearn", "skorch", "numpy", "pandas", "scipy"}, name
        if name != "_net":
            assert "skorch" not in tops, name
        assert name.startswith("_display") or "matplotlib" not in tops, name


def test_matplotlib_is_imported_where_something_is_drawn_only():
    for path in PACKAGE.glob("_display*.py"):
        above = [n for n in ast.parse(path.read_text()).body if not hasattr(n, "body")]
        names = imports(ast.Module(above, []))
        assert not any(name.startswith("matplotlib") for name in names)


def test_public_names_exist():
    for package in (sklearn_ard, sklearn_ard.nn):
        assert all(hasattr(package, name) for name in package.__all__)
        assert sorted(package.__all__) == package.__all__
