"""Does a change make the search better? Runs several builds of autotinyml over several seeds at one budget.

usage: before_after.py --work FOLDER --seeds 1,2,3 LABEL=BINARY LABEL=BINARY... -- search arguments
  before_after.py --work w --seeds 1,2,3 before=old/autotinyml after=new/autotinyml -- \\
      fashion-mnist --target stm32f401re --flash 64KiB --budget 10min
Seeds alternate between the builds, so that a machine that slows down hurts both. With --together all builds run a seed at
the same time (give the search --jobs 1, so that each has a core): load then hurts them alike, and the table takes less
time. A search whose summary.json exists is not repeated: the script may be cut off and started again. Only the standard
library is needed.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys


def begin(binary, arguments, seed, out):
    """The folder of a search and its process; None where it is finished already."""
    if (out / "summary.json").exists():
        return out, None
    shutil.rmtree(out, ignore_errors=True)
    command = [binary, "search", *arguments, "--seed", seed, "--out", str(out), "--quiet"]
    return out, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def end(out, process):
    if process is None:
        return
    _, errors = process.communicate()
    if not (out / "summary.json").exists():
        sys.exit(f"{' '.join(process.args)}\n{errors}")


def main():
    arguments = sys.argv[1:]
    if "--" not in arguments:
        sys.exit("the arguments of the search must follow '--'")
    cut = arguments.index("--")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--json")
    parser.add_argument("--together", action="store_true", help="all builds of a seed at the same time")
    parser.add_argument("builds", nargs="+")
    a = parser.parse_args(arguments[:cut])
    builds = [b.split("=", 1) for b in a.builds]
    rows = []
    print(f"{'build':12} {'seed':>4} {'test %':>8} {'float %':>8} {'valid. %':>8} {'flash':>8} {'ram':>8} {'trained':>8} {'seconds':>8}")
    for seed in a.seeds.split(","):
        running = []
        for label, binary in builds:
            running.append(begin(binary, arguments[cut + 1 :], seed, pathlib.Path(a.work) / f"{label}-{seed}"))
            if not a.together:
                end(*running[-1])
        for search in running:
            end(*search)
        for (label, _), (out, _) in zip(builds, running):
            s = json.loads((out / "summary.json").read_text())
            m = s["metric"]
            rows.append({"name": f"{label} {seed}", "build": label, "seed": int(seed), "test": m["test"],
                         "float_test": m["float_test"], "validation": m["validation"], "flash_bytes": s["flash_bytes"],
                         "ram_bytes": s["ram_bytes"], "trained": s["trials"]["trained"], "seconds": s["seconds"]["total"]})
            r = rows[-1]
            print(f"{label:12} {seed:>4} {100 * r['test']:8.2f} {100 * r['float_test']:8.2f} {100 * r['validation']:8.2f} "
                  f"{r['flash_bytes']:8} {r['ram_bytes']:8} {r['trained']:8} {r['seconds']:8.0f}", flush=True)
    for label, _ in builds:
        tests = [100 * r["test"] for r in rows if r["build"] == label]
        spread = statistics.stdev(tests) if len(tests) > 1 else 0
        print(f"{label:12} mean test {statistics.mean(tests):.2f} +- {spread:.2f} over {len(tests)} seed(s)")
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps({"schema": 1, "rows": rows}, indent=1) + "\n")


main()
