"""The script that runs all benchmarks: what it writes, and that it resumes."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "run_all.py"
spec = importlib.util.spec_from_file_location("run_all", SCRIPT)
run_all = importlib.util.module_from_spec(spec)
sys.modules["run_all"] = run_all  # dataclasses look there
spec.loader.exec_module(run_all)

TEXT = """# Tables

<!-- table: one -->
old
<!-- end -->
Between, with <!-- a comment -->.
<!-- table: two -->
0.1.0: kept
<!-- end -->
The end.
"""
WRITE = """
import pathlib, sys
with open("calls", "a") as file:
    print(sys.argv[1:], file=file)
print("to the log", file=sys.stderr)
print("| a |\\n|---|\\n| 1 |")
if len(sys.argv) > 1 and not pathlib.Path("repaired").exists():
    sys.exit(1)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a benchmark that prints a table, and a README for two."""
    (tmp_path / "script.py").write_text(WRITE)
    (tmp_path / "README.md").write_text(TEXT)
    monkeypatch.setattr(run_all, "FOLDER", tmp_path)
    monkeypatch.setattr(run_all, "package_version", lambda: "9.9.9")
    return tmp_path


ONE = run_all.Benchmark("one", "script.py", 1)
TWO = run_all.Benchmark("two", "script.py DATA/x", 1, data=("x",))


def run(folder, *arguments, benchmarks=(ONE, TWO)):
    arguments = ["--state", str(folder / "state"), *arguments]
    run_all.main(arguments, benchmarks, folder / "README.md")
    return (folder / "README.md").read_text()


def calls(folder):
    path = folder / "state" / "9.9.9" / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_exactly_what_is_between_the_markers_is_replaced():
    text = run_all.replace_tables(TEXT, {"one": "new\n"}, ["one", "two"])
    assert text == TEXT.replace("\nold\n", "\nnew\n\n")
    assert run_all.replace_tables(text, {"one": "new"}, ["one", "two"]) == text
    assert run_all.replace_tables(TEXT, {}, ["one", "two"]) == TEXT


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (TEXT.replace("two", "three"), "Not so: three, two"),
        (TEXT.replace("two", "one"), "Not so: one, two"),
        (TEXT.replace("<!-- end -->", "", 1), "'<!-- table: two -->' in line 7 inside"),
        (TEXT + "<!-- end -->", "'<!-- end -->' in line 11 outside"),
        (TEXT[: TEXT.rindex("<!-- end -->")], "'two' does not end"),
    ],
    ids=["unknown", "twice", "no end", "no table", "no last end"],
)
def test_wrong_markers_are_refused(text, match):
    with pytest.raises(ValueError, match=match):
        run_all.replace_tables(text, {"one": "new"}, ["one", "two"])


def test_a_table_stands_with_its_command_machine_version_and_date(folder):
    text = run(folder)
    (line,) = (li for li in text.splitlines() if "script.py" in li)
    assert line.startswith("`python examples/benchmarks/script.py`: one thread of ")
    assert run_all.machine() in line
    assert "sklearn_ard 9.9.9, 20" in line
    assert f"{line}\n\n| a |\n|---|\n| 1 |\n\n<!-- end -->" in text
    assert "old" not in text
    assert "0.1.0: kept" in text  # x is missing


def test_what_is_complete_is_not_run_again(folder, monkeypatch):
    first = run(folder)
    assert run(folder) == first
    assert calls(folder) == ["[]"]
    run(folder, benchmarks=(run_all.Benchmark("one", "script.py", 2), TWO))
    assert calls(folder) == ["[]"]  # the minutes are no part of it
    monkeypatch.setattr(run_all, "package_version", lambda: "10.0.0")
    assert "sklearn_ard 10.0.0" in run(folder)


def test_a_benchmark_that_broke_leaves_its_table_and_is_run_again(folder, capsys):
    (folder / "x").touch()
    text = run(folder, "--data", str(folder))
    assert "two: broke" in capsys.readouterr().out
    assert "0.1.0: kept" in text
    (folder / "state" / "9.9.9" / "repaired").touch()
    assert "0.1.0: kept" not in run(folder, "--data", str(folder))
    assert calls(folder) == ["[]", f"['{folder}/x']", f"['{folder}/x']"]


def test_further_arguments_are_shown_and_replaced_by_a_whole_run(folder):
    (folder / "state" / "9.9.9").mkdir(parents=True)
    (folder / "state" / "9.9.9" / "repaired").touch()
    assert "script.py --rows 3`" in run(folder, "--only", "one", "--", "--rows", "3")
    text = run(folder)
    assert "script.py`" in text
    assert "--rows" not in text
    assert calls(folder) == ["['--rows', '3']", "[]"]


def test_the_list_says_what_is_missing(folder, capsys):
    run(folder)
    capsys.readouterr()
    run(folder, "--list")
    one, two, total = capsys.readouterr().out.splitlines()
    assert "complete" in one
    assert two.endswith("missing: x")
    assert total.startswith("0 minutes")
    assert calls(folder) == ["[]"]


def test_what_said_not_run_is_run_when_its_data_are_there(folder, capsys):
    three = run_all.Benchmark("one", "script.py", 7, data=("x",), says_not_run=True)
    run(folder, benchmarks=(three, TWO))
    assert "one: says not run" in capsys.readouterr().out
    run(folder, "--list", benchmarks=(three, TWO))
    assert "complete" in capsys.readouterr().out
    (folder / "x").touch()
    run(folder, "--list", "--data", str(folder), benchmarks=(three, TWO))
    assert capsys.readouterr().out.splitlines()[-1].startswith("8 minutes")
    run(folder, "--data", str(folder), "--only", "one", benchmarks=(three, TWO))
    assert calls(folder) == ["[]", "[]"]
    run(folder, "--list", benchmarks=(three, TWO))  # complete without --data as well
    assert "complete" in capsys.readouterr().out.splitlines()[-3]


def test_tables_of_another_version_can_be_written(folder, monkeypatch, capsys):
    first = run(folder)
    (folder / "README.md").write_text(TEXT)
    monkeypatch.setattr(run_all, "package_version", lambda: "10.0.0")
    assert run(folder, "--write") == TEXT
    assert run(folder, "--write", "--version", "9.9.9") == first
    with pytest.raises(SystemExit):
        run(folder, "--version", "9.9.9")
    assert "--version needs --write" in capsys.readouterr().err


def test_names_that_are_no_benchmark_are_refused(folder, capsys):
    with pytest.raises(SystemExit):
        run(folder, "--only", "three")
    assert "no benchmark three" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_run_that_was_killed_goes_on(folder):
    waits = "import time\nprint('| half |', flush=True)\ntime.sleep(60)\n"
    (folder / "script.py").write_text(waits)
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "import pathlib, run_all\n"
        f"run_all.FOLDER = pathlib.Path({str(folder)!r})\n"
        "run_all.package_version = lambda: '9.9.9'\n"
        "ONE = run_all.Benchmark('one', 'script.py', 1)\n"
        "TWO = run_all.Benchmark('two', 'script.py', 1)\n"
        f"run_all.main(['--state', {str(folder / 'state')!r}], (ONE, TWO),"
        f" pathlib.Path({str(folder / 'README.md')!r}))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    half = folder / "state" / "9.9.9" / "one.out"
    until = time.monotonic() + 60
    while not (half.exists() and half.read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert half.read_text() == "| half |\n"
    assert (folder / "README.md").read_text() == TEXT
    (folder / "script.py").write_text(WRITE)
    text = run(folder)
    assert "| half |" not in text
    assert "| 1 |" in text


def test_every_benchmark_has_a_table_in_the_readme_and_a_script():
    names = [b.name for b in run_all.BENCHMARKS]
    run_all.replace_tables(run_all.README.read_text(), {}, names)
    for benchmark in run_all.BENCHMARKS:
        assert (SCRIPT.parent / benchmark.command.split()[0]).exists()
