#!/usr/bin/env python3
"""Writes random models, runs them in onnxruntime, compares; then the other way round: models that
onnxruntime's own quantiser made, run by autotinyml.

ONNX defines the graph in real numbers: onnxruntime requantises in float and rounds half to even,
where TFLite (and so autotinyml) multiplies by 32-bit fixed-point numbers and rounds half away from
zero, twice. One operator may so differ by one step; over a network steps add up.
Exit code 0: within bounds; 1: not; 77: no onnxruntime (run ./setup).
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", required=True, help="the program onnx_cases")
    parser.add_argument("--program", required=True, help="autotinyml")
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    python = pathlib.Path(os.environ.get("ATML_ONNX_PYTHON", ROOT / ".venv-onnx" / "bin" / "python"))
    if not python.exists():
        print(f"skipped: no onnxruntime here; {HERE}/setup installs it")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.cases, folder, str(options.count)], check=True)
        ours = subprocess.run([python, HERE / "compare.py", folder]).returncode
        theirs = subprocess.run([python, HERE / "theirs.py", folder, options.program]).returncode
        return ours or theirs


if __name__ == "__main__":
    sys.exit(main())
