"""Makes the cases of the import conformance: models of other libraries, rows, and what those libraries answer to them.

    pip install -r requirements.txt && python matrix.py --out DIR [--only LIBRARY] [--small] [--jobs N]
    python matrix.py --golden ../golden [--only LIBRARY]        the few that are committed

Writes DIR/LIBRARY/CASE/ (see common.py), prints a line per case and at the end a table. Exits 1 if a case could not be made.
Each library has a process of its own, with one thread.
"""

import argparse
import importlib
import inspect
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import traceback
import warnings

HERE = pathlib.Path(__file__).parent
LIBRARIES = ("xgboost", "lightgbm", "onnx", "sklearn")
# Of what is committed, in bytes.
CASE_LIMIT, GOLDEN_LIMIT = 100_000, 3_000_000
SUMMARY = "generated.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, metavar="DIR", help="where the cases go")
    parser.add_argument("--golden", type=pathlib.Path, metavar="DIR", help="write the small part here, and hold it to its limits")
    parser.add_argument("--only", action="append", choices=LIBRARIES, metavar="LIBRARY", help=f"one of {', '.join(LIBRARIES)}")
    parser.add_argument("--small", action="store_true", help="only the small part")
    parser.add_argument("--case", default="", metavar="TEXT", help="only cases whose name holds this")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="libraries at a time")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.out is None and args.golden is None:
        parser.error("say --out DIR or --golden DIR")
    if args.worker:
        generate(args.only[0], args.out, args.small, args.case, args.keep)
        return 0
    libraries = [name for name in args.only or LIBRARIES if (HERE / f"{name}_.py").exists()]
    status = 0
    if args.out is not None:
        status |= run(libraries, args.out, args.small, args)
    if args.golden is not None:
        # What else is there stays: some goldens were made with older versions, by scripts of their own.
        args.keep = True
        status |= run(libraries, args.golden, True, args)
        status |= weigh(args.golden)
    return status


def run(libraries, out, small, args):
    """Generates, a process per library, and prints the table."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    waiting, running, status = list(libraries), [], 0
    while waiting or running:
        while waiting and len(running) < max(1, args.jobs):
            name = waiting.pop(0)
            command = [sys.executable, "-u", __file__, "--worker", "--out", str(out), "--only", name, "--case", args.case]
            command += ["--small"] * small + ["--keep"] * args.keep
            running.append((name, subprocess.Popen(command, env=env)))
        name, process = running[0]
        if process.wait() != 0:
            print(f"error: the process of {name} ended with {process.returncode}", flush=True)
            status = 1
        running.pop(0)

    print(f"\n{'library':<12} {'cases':>6} {'failed':>7} {'rows':>9} {'MB':>7} {'seconds':>8}")
    total = [0, 0, 0, 0.0, 0.0]
    failures = []
    for name in libraries:
        path = out / name / SUMMARY
        if not path.exists():
            continue
        about = json.loads(path.read_text())
        path.unlink()
        line = [about["cases"], len(about["failures"]), about["rows"], about["bytes"] / 1e6, about["seconds"]]
        total = [a + b for a, b in zip(total, line)]
        failures += [f"{name}/{f}" for f in about["failures"]]
        print("{:<12} {:>6} {:>7} {:>9} {:>7.1f} {:>8.1f}".format(name, *line))
    print("{:<12} {:>6} {:>7} {:>9} {:>7.1f} {:>8.1f}".format("together", *total))
    for failure in failures:
        print(f"error: could not be made: {failure}")
    return 1 if failures or status or total[0] == 0 else 0


def generate(name, out, small, only, keep):
    """All cases of one library."""
    sys.path.insert(0, str(HERE))
    warnings.filterwarnings("ignore")
    began = time.time()
    folder = out / name
    if not only and not keep and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"cases": 0, "rows": 0, "bytes": 0, "failures": []}
    module = importlib.import_module(f"{name}_")
    given = module.cases(small) if inspect.signature(module.cases).parameters else module.cases()
    seen = set()
    while True:
        case = "?"
        try:
            case, make = next(given)
            if only not in case:
                continue
            if case in seen:
                raise ValueError("two cases have this name")
            seen.add(case)
            at = time.time()
            write(make, folder / case)
            rows = (folder / case / "expected.csv").read_bytes().count(b"\n") - 1
            size = weight(folder / case)
            about["cases"], about["rows"], about["bytes"] = about["cases"] + 1, about["rows"] + rows, about["bytes"] + size
            print(f"{name}/{case}: {rows} rows, {size / 1000:.0f} kB, {time.time() - at:.1f} s", flush=True)
        except StopIteration:
            break
        except Exception as e:  # noqa: BLE001 - a case that cannot be made is told, and the next one is made
            shutil.rmtree(folder / case, ignore_errors=True)
            about["failures"].append(f"{case}: {type(e).__name__}: {e}")
            print(f"{name}/{case}: FAILED\n{traceback.format_exc()}", flush=True)
            if case == "?":  # the generator itself ended
                break
    about["seconds"] = time.time() - began
    (folder / SUMMARY).write_text(json.dumps(about))


def write(make, folder):
    """`make`: a function that writes the case, or returns the arguments of write_case; or those arguments."""
    from common import write_case

    arguments = make
    if callable(make):
        arguments = make(folder) if inspect.signature(make).parameters else make()
    if isinstance(arguments, dict):
        write_case(folder, **arguments)
    if not (folder / "expected.csv").exists():
        raise ValueError("nothing was written")


def weight(folder):
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def weigh(golden):
    """Whether what is committed is small enough."""
    large = [(case, weight(case)) for case in sorted(golden.glob("*/*")) if case.is_dir() and weight(case) > CASE_LIMIT]
    for case, size in large:
        print(f"error: {case} has {size} bytes, over {CASE_LIMIT}")
    total = weight(golden)
    print(f"{golden} has {total} bytes of {GOLDEN_LIMIT}")
    return 1 if large or total > GOLDEN_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
