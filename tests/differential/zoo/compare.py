"""Every NAME.tflite of a folder on the reference interpreter, and some on host and emulated part, against NAME.out.

compare.py PROGRAM FOLDER [--on reference host mcu] [NAME...]
Also checks that what must be refused (models.REFUSED's operators, given in refused.txt) is refused by name.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile


def run(program, model, source, on, folder):
    output = pathlib.Path(folder) / "output"
    output.unlink(missing_ok=True)
    command = [program, "run", model, "--input", source, "--output", output, "--on", on, "--quiet"]
    if on == "mcu":
        command += ["--target", "stm32f401re"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    return (output.read_bytes() if output.exists() else None), result.stderr.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--names", nargs="+", default=[])
    parser.add_argument("--on", nargs="+", default=["reference"])
    options = parser.parse_args()
    tally = {"equal": 0, "refused": 0, "DIFFERENT": 0, "FAILED": 0}
    refusals = dict(line.split("\t") for line in (options.folder / "refused.txt").read_text().splitlines())
    with tempfile.TemporaryDirectory() as scratch:
        for model in sorted(options.folder.glob("*.tflite")):
            name = model.stem
            if options.names and name not in options.names:
                continue
            if name in refusals:
                source = model.with_suffix(".none")
                _, error = run(options.program, model, source, "reference", scratch)
                good = refusals[name] in error and str(source) not in error
                tally["refused" if good else "FAILED"] += 1
                print(f"{name}: {'' if good else 'NOT WELL '}refused: {error}")
                continue
            wanted = model.with_suffix(".out").read_bytes()
            for on in options.on:
                got, error = run(options.program, model, model.with_suffix(".in"), on, scratch)
                if got == wanted:
                    tally["equal"] += 1
                elif got is None:
                    tally["FAILED"] += 1
                    print(f"{name} on {on}: FAILED: {error}")
                else:
                    worst = [abs((a ^ 128) - (b ^ 128)) for a, b in zip(got, wanted)]
                    tally["DIFFERENT"] += 1
                    print(f"{name} on {on}: DIFFERENT in {sum(d > 0 for d in worst)} of {len(wanted)} bytes, by up to {max(worst)}")
    print(", ".join(f"{n} {what}" for what, n in tally.items()))
    return 1 if tally["DIFFERENT"] or tally["FAILED"] or not tally["equal"] + tally["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
