"""Runs the README's imports as they stand there: Python with the libraries, the shell with `hedgerow` on the PATH, in a fresh folder.

    python tests/import/readme.py [FOLDER OF THE BINARY]      # default target/release
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
binaries = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "target" / "release").resolve()
readme = (root / "README.md").read_text(encoding="utf-8")
one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def blocks(title):
    """The blocks between a bold title and the next, each with its language."""
    start = readme.index(f"**{title}")
    end = readme.find("\n**", start)
    return re.findall(r"^```(\w+)\n(.*?)^```$", readme[start:end], re.M | re.S)


def run(title, folder, python_before=""):
    """Runs a title's blocks in order; what Python ran, and what was printed."""
    environment = os.environ | one_thread | {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root / "python"),
    }
    found = blocks(title)
    assert found, f"the README has no code under {title}"
    said, python = "", python_before
    for language, text in found:
        assert language in ("python", "sh"), f"{title}: {language}"
        python += text if language == "python" else ""
        command = [sys.executable, "-c", python] if language == "python" else ["sh", "-e", "-c", text]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{title}: {' '.join(command[:2])} ended with {done.returncode}\n{text}\n{done.stdout}{done.stderr}")
        said += done.stdout
    return python, said


kept = ""
for title in ("From scikit-learn", "From XGBoost", "From LightGBM", "From ONNX"):
    with tempfile.TemporaryDirectory() as folder:
        python, _ = run(title, folder)
        artifact = pathlib.Path(folder) / "tumour.hedge"
        verify = [binaries / "hedgerow", "verify", artifact]
        done = subprocess.run(verify, capture_output=True, text=True)
        assert done.returncode == 0 and ": sound (tumour 1.0.0" in done.stdout, done.stdout + done.stderr
        if title == "From XGBoost":
            _, said = run("Proof that an import", folder, python)
            assert "Check (569 rows): as the original" in said, said
    print(f"{title}: {artifact.name} is sound")
