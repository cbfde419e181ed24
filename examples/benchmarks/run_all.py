"""Run all benchmarks one after another, and write their tables into README.md.

    python examples/benchmarks/run_all.py --state FOLDER --data DATA
    python examples/benchmarks/run_all.py --state FOLDER --data DATA --list
    python examples/benchmarks/run_all.py --state FOLDER --only uci -- --splits 2

Each benchmark is a process of its own on one thread. What it prints is kept in
FOLDER/VERSION; what is there already, of the same command, is not run again. So a run
that was killed goes on with the benchmark that it was in (`uci.py`, `mnist.py` and
`vgg.py` go on within). After each benchmark its table is written into README.md, with
a line that says how it came about. Tables of benchmarks that have not run stay as they
are. `--write --version VERSION` runs nothing and writes the tables of another version.
Arguments behind `--` are added to the commands of `--only`; such a table is written,
but a later run without them replaces it.

A script prints to its standard output what is to stand in README.md, and nothing else.
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
MARKER = re.compile(r"<!-- (?:table: (?P<name>\S+)|end) -->")


@dataclass(frozen=True)
class Benchmark:
    """A table of README.md and the command that prints it."""

    name: str  # of the marker in README.md
    command: str  # script and arguments; DATA is the folder of the data
    minutes: int  # on an idle core, about
    data: tuple = ()  # files that have to be in DATA
    packages: tuple = ()  # peers that have to be installed
    accelerator: bool = False
    says_not_run: bool = False  # prints "not run" where something is missing

    def missing(self, data):
        """What is not to be had of all that it needs."""
        found = [f for f in self.data if data is None or not (data / f).exists()]
        found += [p for p in self.packages if importlib.util.find_spec(p) is None]
        if self.accelerator and not has_accelerator():
            found.append("an accelerator")
        return found


MNIST = ("mnist.npz",)
BENCHMARKS = (
    Benchmark("encoding", "encoding.py", 4),
    Benchmark("vgg", "vgg.py --data DATA", 180, ("cifar-10-batches-py",),
              accelerator=True, says_not_run=True),
    Benchmark("boston", "boston.py --data DATA/boston.csv", 20, ("boston.csv",)),
    Benchmark("tables", "tables.py --splits 3", 20),
    Benchmark(
        "selection",
        "selection.py --models ours,forest,lasso,boruta,cfi,knockoffs --seeds 2", 25,
        packages=("boruta", "hidimstat"),
    ),
    Benchmark("knockoffs", "knockoffs.py --columns 50 --correlations 0,0.7 --seeds 20",
              30, packages=("hidimstat",)),
    Benchmark("genes", "choice.py genes --data DATA", 60, ("golub.npz", "alon.npz")),
    Benchmark(
        "public-tables",
        "tables.py --data DATA/tables --models ours,ours5,catboost,hgb --splits 2", 60,
        ("tables/tasks.json",), ("catboost",),
    ),
    Benchmark("stability", "choice.py stability", 90),
    Benchmark("uci", "uci.py --data DATA/uci_standard_splits", 150,
              ("uci_standard_splits",)),
    Benchmark("path", "choice.py path", 10),
    Benchmark("lassonet", "choice.py lassonet", 6, packages=("lassonet",)),
    Benchmark("wide-sparse", "wide_sparse.py --seeds 3 --lasso", 15),
    Benchmark("explanations", "explanations.py", 15, packages=("shap",)),
    Benchmark("steps", "training.py steps --data DATA/mnist.npz", 5, MNIST),
    Benchmark("growth", "training.py growth", 10),
    Benchmark("memory", "training.py memory", 5),
    Benchmark("jobs", "training.py jobs", 15),
    Benchmark("fits", "training.py fits --data DATA/mnist.npz", 70, MNIST,
              ("lassonet",)),
    Benchmark("kernels", "kernels.py", 10),
    Benchmark("mnist", "mnist.py --data DATA/mnist.npz", 240, MNIST),
    Benchmark("inference", "inference.py --data DATA/mnist.npz", 20, MNIST,
              ("onnxruntime",)),
)  # fmt: skip


def has_accelerator():
    import torch

    return torch.accelerator.is_available()


def package_version():
    import sklearn_ard

    return sklearn_ard.__version__


def machine(accelerator=False):
    """Cores and the model of the CPU; or the accelerator, if it is to be used."""
    if accelerator and has_accelerator():
        import torch

        kind = torch.accelerator.current_accelerator().type
        return getattr(torch, kind).get_device_name() if kind == "cuda" else kind
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        model = found[1] if found else model
    return f"{os.cpu_count()} × {model}"


def replace_tables(text, tables, names):
    """Replace what stands between markers.

    Parameters
    ----------
    text : str
        With `<!-- table: NAME -->` and `<!-- end -->` around each table.
    tables : dict of str to str
        What is to stand between the markers of a name. Others keep what they have.
    names : iterable of str
        Of the tables that the text has to have markers for.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a marker has a name that is not one of `names`, or is there twice or not at
        all, or if a table does not end.
    """
    parts, found, start, open_name = [], [], 0, None
    for marker in MARKER.finditer(text):
        name = marker["name"]
        if (name is None) == (open_name is None):
            line = text.count("\n", 0, marker.start()) + 1
            raise ValueError(
                f"Markers are '<!-- table: NAME -->' and '<!-- end -->' in turn. Got "
                f"{marker[0]!r} in line {line} {'inside' if name else 'outside'} of a "
                "table."
            )
        inside = text[start : marker.start()]
        if open_name in tables:
            inside = f"\n{tables[open_name].strip()}\n\n"
        parts += [inside, marker[0]]
        start, open_name = marker.end(), name
        found += [name] if name else []
    if open_name is not None:
        raise ValueError(f"The table {open_name!r} does not end: add '<!-- end -->'.")
    wrong = sorted({n for n in found if n not in set(names) or found.count(n) > 1})
    wrong += sorted(set(names) - set(found))
    if wrong:
        raise ValueError(
            "Each benchmark has one marker, and each marker a benchmark. Not so: "
            f"{', '.join(wrong)}."
        )
    return "".join([*parts, text[start:]])


def write_atomically(path, text):
    """All of the text or nothing, if the process is killed."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)


class State:
    """What benchmarks have printed under one version of the package.

    NAME.json is written last: without it NAME is not complete.
    """

    def __init__(self, folder, version):
        self.folder, self.version = Path(folder).absolute() / version, version
        self.folder.mkdir(parents=True, exist_ok=True)

    def record(self, name):
        """What was run, when and where; None if it has not ended."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def is_complete(self, benchmark, data):
        record = self.record(benchmark.name)
        return (
            record is not None
            and record["command"] == benchmark.command
            and record["missing"] in ([], benchmark.missing(data))
        )

    def run(self, benchmark, data, more=()):
        """Run it and keep what it prints; whether it ended well."""
        command = " ".join([benchmark.command, *more])
        words = [re.sub(r"^DATA(?=/|$)", str(data), w) for w in command.split()]
        output = self.folder / f"{benchmark.name}.md"
        start = time.perf_counter()
        with (
            output.with_suffix(".out").open("w") as out,
            output.with_suffix(".log").open("w") as log,
        ):
            code = subprocess.run(
                [sys.executable, FOLDER / words[0], *words[1:]],
                cwd=self.folder,  # checkpoints and results are kept here
                env=os.environ | dict.fromkeys(THREADS, "1"),
                stdout=out,
                stderr=log,
            ).returncode
        if code:
            return False
        output.with_suffix(".out").replace(output)
        record = {
            "command": command,
            "missing": benchmark.missing(data),
            "version": self.version,
            "machine": machine(benchmark.accelerator),
            "load": round(os.getloadavg()[1], 1),
            "date": date.today().isoformat(),
            "minutes": round((time.perf_counter() - start) / 60, 1),
        }
        write_atomically(output.with_suffix(".json"), json.dumps(record, indent=1))
        return True

    def table(self, name):
        """A line that says how the output came about, and the output."""
        record = self.record(name)
        line = (
            f"`python examples/benchmarks/{record['command']}`: one thread of "
            f"{record['machine']}, load average {record['load']}; sklearn_ard "
            f"{record['version']}, {record['date']}, {record['minutes']} minutes."
        )
        return f"{line}\n\n{(self.folder / f'{name}.md').read_text().strip()}"


def write_readme(path, state, benchmarks):
    """Write the tables of all benchmarks that have ended."""
    names = [b.name for b in benchmarks]
    tables = {n: state.table(n) for n in names if state.record(n) is not None}
    text = replace_tables(path.read_text(), tables, names)
    if text != path.read_text():
        write_atomically(path, text)


def print_list(state, benchmarks, data):
    """What is complete, what is missing, and how long the rest takes."""
    minutes = 0
    for b in benchmarks:
        missing, record = b.missing(data), state.record(b.name)
        if state.is_complete(b, data):
            status = f"complete, {record['date']}"
        elif missing and not b.says_not_run:
            status = f"missing: {', '.join(missing)}"
        else:
            status = "to run"
            minutes += 0 if missing else b.minutes
            if missing:
                status += f" ('not run' without {', '.join(missing)})"
            if record is not None:
                status += f"; so far: {record['command']}"
        print(f"{b.name:14} {b.minutes:4} minutes  {status}")
    print(f"{minutes} minutes to run on an idle core, version {state.version}")


def main(arguments=None, benchmarks=BENCHMARKS, readme=README):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, required=True, help="folder, kept")
    parser.add_argument("--data", type=Path, help="folder of the data")
    parser.add_argument("--only", help="names of benchmarks, separated by commas")
    parser.add_argument("--skip", default="", help="names, separated by commas")
    parser.add_argument("--list", action="store_true", help="run nothing")
    parser.add_argument("--write", action="store_true", help="tables only, run nothing")
    parser.add_argument("--version", help="whose tables --write takes")
    parser.add_argument("more", nargs="*", help="further arguments of --only")
    options = parser.parse_args(arguments)
    data = options.data and options.data.absolute()
    names = [b.name for b in benchmarks]
    chosen = options.only.split(",") if options.only else names
    skipped = [name for name in options.skip.split(",") if name]
    unknown = sorted({*chosen, *skipped} - set(names))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)} in {names}")
    if options.more and not options.only:
        parser.error("further arguments need --only")
    if options.version and not options.write:
        parser.error("--version needs --write: only the version here can be run")
    chosen = [b for b in benchmarks if b.name in chosen and b.name not in skipped]
    state = State(options.state, options.version or package_version())
    if options.list:
        print_list(state, chosen, data)
        return
    write_readme(readme, state, benchmarks)  # also tells of wrong markers at once
    for b in () if options.write else chosen:
        if not options.more and state.is_complete(b, data):
            continue
        missing = b.missing(data)
        if missing and not b.says_not_run:
            print(f"{b.name}: not run, missing: {', '.join(missing)}", flush=True)
            continue
        minutes = f"about {b.minutes} minutes"
        print(f"{b.name}: {'says not run' if missing else minutes}", flush=True)
        if state.run(b, data, options.more):
            write_readme(readme, state, benchmarks)
        else:
            print(f"{b.name}: broke, see {state.folder / b.name}.log", flush=True)


if __name__ == "__main__":
    main()
