"""Arm's Vela, the compiler for Ethos-U NPUs, as an oracle of deployability:

    autotinyml check MODEL.tflite --target corstone300-u55.toml --oracle "external:python3 vela_oracle.py"

The model file is the last argument. The answer is one line of JSON as docs/oracles.md asks for it:
  flash_bytes   size of the .tflite that Vela writes: command stream and encoded weights, what is flashed
  ram_bytes     tensor arena in SRAM, and in DRAM where the memory mode has one
  latency_ms    cycles_total of Vela's own performance estimate at the clock of the system configuration
Vela counts neither the code of the driver nor that of the framework round it: --reserve-flash and
--reserve-ram take them into account. A network of which an operator would fall back to the CPU is
refused, since Vela does not estimate the time of those. Needs Vela (make_venv.sh): beside this
python, in the folder of the environment variable VELA_BIN, or in PATH.
"""
import argparse
import csv
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile


def answer(**figures):
    print(json.dumps({"model": os.environ.get("AUTOTINYML_MODEL_ID", ""), **figures}))


def find_vela():
    folders = [os.environ.get("VELA_BIN", ""), os.path.dirname(sys.executable)]
    for folder in filter(None, folders):
        found = shutil.which("vela", path=folder)
        if found:
            return found
    found = shutil.which("vela")
    if found is None:
        sys.exit("vela is not installed: make_venv.sh makes an environment with it; say where by VELA_BIN=FOLDER/bin")
    return found


def compile_model(model, options, folder):
    command = [find_vela(), model, "--output-dir", folder, "--accelerator-config", options.accelerator,
               "--optimise", options.optimise]
    for flag, value in (("--config", options.config), ("--system-config", options.system_config),
                        ("--memory-mode", options.memory_mode)):
        if value:
            command += [flag, value]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def summary_of(folder):
    [path] = glob.glob(os.path.join(folder, "*_summary_*.csv"))
    with open(path, newline="", encoding="utf-8") as file:
        [row] = list(csv.DictReader(file))
    return row


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "without a word"


def report(process, folder):
    if process.returncode != 0:
        answer(computable=False, reason="vela refused the model: " + last_line(process.stderr or process.stdout))
        return
    on_cpu = re.search(r"CPU operators = (\d+)", process.stdout)
    if on_cpu is None:
        sys.exit("vela's summary has no line 'CPU operators': an unknown version")
    if int(on_cpu[1]) > 0:
        answer(computable=False, reason=f"{on_cpu[1]} operators would fall back to the CPU, whose time vela does not estimate")
        return
    row = summary_of(folder)
    [compiled] = glob.glob(os.path.join(folder, "*_vela.tflite"))
    ram = round(1024 * (float(row["sram_memory_used"]) + float(row["dram_memory_used"])))
    cycles = float(row["cycles_total"])
    answer(flash_bytes=os.path.getsize(compiled), ram_bytes=ram, arena_bytes=ram, cycles=cycles,
           latency_ms=1e3 * cycles / float(row["core_clock"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accelerator", default="ethos-u55-128", help="as vela's --accelerator-config")
    parser.add_argument("--optimise", default="Size", choices=["Size", "Performance"])
    parser.add_argument("--config", default="Arm/vela.ini")
    parser.add_argument("--system-config", default="Ethos_U55_High_End_Embedded")
    parser.add_argument("--memory-mode", default="Shared_Sram")
    parser.add_argument("model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report(compile_model(options.model, options, folder), folder)


if __name__ == "__main__":
    main()
