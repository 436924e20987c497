#!/usr/bin/env python3
"""Writes random models with their inputs and outputs, runs them in LiteRT, compares bytes.

LiteRT's reference kernels are the standard; --kernels default also tries its optimised ones.
Exit code 0: equal; 1: different; 77: no LiteRT (run ./setup).
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def litert_python():
    given = os.environ.get("ATML_LITERT_PYTHON")
    path = pathlib.Path(given) if given else ROOT / ".venv-litert" / "bin" / "python"
    return path if path.exists() else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", required=True, help="the program litert_cases")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kernels", choices=["reference", "default"], default="reference")
    options = parser.parse_args()
    python = litert_python()
    if python is None:
        print(f"skipped: no LiteRT here; {HERE}/setup installs it")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.cases, folder, str(options.count), str(options.seed)], check=True)
        return subprocess.run([python, HERE / "compare.py", folder, options.kernels]).returncode


if __name__ == "__main__":
    sys.exit(main())
