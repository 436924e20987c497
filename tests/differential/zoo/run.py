#!/usr/bin/env python3
"""Converts many Keras networks with TFLite's converter and compares every output byte with TFLite's reference kernels:
all on the reference interpreter and as C on the host, some on an emulated Cortex-M4. Exit code 77: no TensorFlow (run
./setup). --folder keeps the models between runs.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOME = ["resnet8", "mobilenet_v1", "conv1d_dilated", "squeeze_excite", "preactivation_resnet", "pools", "means", "padded",
        "hard_swish_net", "dense_on_a_sequence", "mobilenet_v1__dead", "resnet8__dead", "trained_visual_wake_words",
        "trained_image_classification", "trained_keyword_spotting_alexa", "trained_keyword_spotting_mobilenetv2"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--folder")
    options = parser.parse_args()
    python = pathlib.Path(os.environ.get("ATML_ZOO_PYTHON", HERE.parents[2] / ".venv-zoo" / "bin" / "python"))
    if not python.exists():
        print(f"skipped: no TensorFlow here; {HERE}/setup installs it")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or scratch
        subprocess.run([python, HERE / "make.py", folder], check=True, stderr=subprocess.DEVNULL)
        compare = [sys.executable, HERE / "compare.py", options.program, folder]
        every = subprocess.run([*compare, "--on", "reference", "host"]).returncode
        return every or subprocess.run([*compare, "--on", "mcu", "--names", *SOME]).returncode


if __name__ == "__main__":
    sys.exit(main())
