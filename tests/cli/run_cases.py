#!/usr/bin/env python3
"""Runs the command-line stories of cases/*.case against the built program.

A case file is a list of blocks:

    $ autotinyml targets stm32f410re      a command (sh), run in an empty folder that the file's blocks share
    exit 2                                its exit code
    out some text                         a piece of stdout; `err` of stderr; `no-out`/`no-err`: must not occur
    # comment

Usage: run_cases.py PROGRAM [CASE...]
"""
import os
import subprocess
import sys
import tempfile

TIMEOUT_SECONDS = 300


def parse(path):
    blocks = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("$ "):
            blocks.append({"line": number, "command": line[2:], "exit": 0, "checks": []})
            continue
        word, _, rest = line.partition(" ")
        if word == "exit":
            blocks[-1]["exit"] = int(rest)
        elif word in ("out", "err", "no-out", "no-err"):
            blocks[-1]["checks"].append((word, rest))
        else:
            sys.exit(f"{path}:{number}: unknown word '{word}'")
    return blocks


def failures(block, result):
    if result.returncode != block["exit"]:
        yield f"exit code {result.returncode}, expected {block['exit']}"
    for kind, text in block["checks"]:
        stream = result.stdout if kind.endswith("out") else result.stderr
        if (text in stream) == kind.startswith("no-"):
            yield f"{kind}: '{text}'"


def run_file(path, program):
    environment = dict(os.environ, PATH=os.path.dirname(program) + ":" + os.environ["PATH"], NO_COLOR="1",
                       SOURCE=os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")))
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for block in parse(path):
            result = subprocess.run(block["command"], shell=True, cwd=folder, env=environment, timeout=TIMEOUT_SECONDS,
                                    capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
            problems = list(failures(block, result))
            if problems:
                bad += 1
                print(f"FAILED {path}:{block['line']}: {block['command']}")
                print("\n".join("  " + p for p in problems))
                print(f"  stdout: {result.stdout[-1500:]}\n  stderr: {result.stderr[-1500:]}")
    return bad


def main():
    program = os.path.abspath(sys.argv[1])
    cases = sys.argv[2:] or sorted(os.path.join(os.path.dirname(__file__), "cases", name)
                                   for name in os.listdir(os.path.join(os.path.dirname(__file__), "cases")))
    bad = sum(run_file(path, program) for path in cases)
    print(f"{len(cases)} case file(s), {bad} failure(s)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
