"""Is a network trained here as good as its PyTorch twin? Five seeds each, same data, network and settings.

usage: quality.py --binary build/release/bench/training/quality_bench --work FOLDER --json FILE
                  [--seeds N] [--only-data NAME] [--har FOLDER]
To be run with the interpreter of make_venv.sh's environment. Seeds that FILE holds are not repeated, so a run may be
cut off at any time; each (data, engine, seed) costs seconds. Prints mean, deviation and Welch's test of the difference.
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess

import numpy
import torch
from torch.nn import functional as F

from peer import Twin

# data, index of the network in training_cases(), epochs, training samples at most
CASES = {"fashion-mnist": ("fashion-mnist", 1, 6, 100000), "uci-har": (None, 2, 8, 100000)}


def initialise(net):
    """As the engine does: He et al. for kernels, Glorot for the last layer, no biases."""
    last = [name for name, kind, _, _ in net.steps if kind == "dense"][-1]
    for name, part in net.parts.items():
        if not hasattr(part, "weight") or part.weight.dim() < 2:
            continue
        fan_in = part.weight[0].numel()
        variance = 2 / (fan_in + part.weight.shape[0]) if name == last else 2 / fan_in
        torch.nn.init.normal_(part.weight, std=math.sqrt(variance))
        if part.bias is not None:
            torch.nn.init.zeros_(part.bias)


def rate(step, steps, s):
    """optimiser.h: linear warm-up, then half a cosine to 1 %."""
    warm = min(s["warmup"], s["epochs"] / 2) * steps
    if step < warm:
        return (step + 1) / (warm + 1)
    done = min(1, (step - warm) / max(1, s["epochs"] * steps - warm))
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def train_twin(folder, seed):
    s = json.loads((folder / "settings.json").read_text())
    torch.manual_seed(seed)
    net = Twin((folder / "network.txt").read_text())
    initialise(net)
    h, w, c = net.input_shape

    def load(name):
        x = numpy.fromfile(folder / f"x_{name}.f32", numpy.float32).reshape(-1, h, w, c)
        y = numpy.fromfile(folder / f"y_{name}.i32", numpy.int32)
        return torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y).long()

    (x, y), (tx, ty) = load("train"), load("test")
    kernels = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": kernels, "weight_decay": s["decay"]}, {"params": others, "weight_decay": 0}], lr=s["rate"]
    )
    batch = s["batch"]
    steps = -(-len(x) // batch)
    step = 0
    for _ in range(s["epochs"]):
        order = torch.randperm(len(x))
        order = torch.cat([order, order[: steps * batch - len(x)]])
        for b in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = s["rate"] * rate(step, steps, s)
            chosen = order[b * batch : (b + 1) * batch]
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimiser.step()
            step += 1
    net.eval()
    with torch.no_grad():
        correct = sum(int((net(tx[i : i + 1000]).argmax(1) == ty[i : i + 1000]).sum()) for i in range(0, len(tx), 1000))
    return correct / len(tx)


def incomplete_beta(a, b, x):
    """Regularised, by the midpoint rule: three digits are enough for a p-value."""
    n = 20000
    points = [(i + 0.5) / n * x for i in range(n)]
    area = sum(p ** (a - 1) * (1 - p) ** (b - 1) for p in points) * x / n
    return area / math.exp(math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))


def welch(a, b):
    """t, and the two-sided p-value of equal means."""
    va, vb = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    t = (statistics.mean(a) - statistics.mean(b)) / math.sqrt(va + vb + 1e-30)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1) + 1e-60)
    return t, incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--binary", "--work", "--json"):
        parser.add_argument(name, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--har", help="folder of UCI HAR with its dataset.toml")
    parser.add_argument("--only-data")
    a = parser.parse_args()
    torch.set_num_threads(1)
    path = pathlib.Path(a.json)
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    for name, (data, network, epochs, samples) in CASES.items():
        data = data or a.har
        if data is None or a.only_data not in (None, name):
            continue
        folder = pathlib.Path(a.work) / name

        def known(engine, seed):
            return any((r["data"], r["engine"], r["seed"]) == (name, engine, seed) for r in rows)

        def keep(engine, seed, test):
            rows.append({"name": f"{name} {engine} {seed}", "data": name, "engine": engine, "seed": seed, "test": test})
            path.write_text(json.dumps({"schema": 1, "torch": torch.__version__, "rows": rows}, indent=1) + "\n")

        for seed in range(1, a.seeds + 1):
            if not known("autotinyml", seed) or not folder.exists():
                out = subprocess.run(
                    [a.binary, data, str(network), str(epochs), str(samples), str(seed), str(seed), str(folder)],
                    check=True, capture_output=True, text=True,
                ).stdout
                if not known("autotinyml", seed):
                    keep("autotinyml", seed, json.loads(out)["test"])
            if not known("pytorch", seed):
                keep("pytorch", seed, train_twin(folder, seed))
        ours, theirs = ([r["test"] for r in rows if (r["data"], r["engine"]) == (name, e)] for e in ("autotinyml", "pytorch"))
        t, p = welch(ours, theirs)
        print(
            f"{name:14} ours {100 * statistics.mean(ours):.2f} +- {100 * statistics.stdev(ours):.2f}   "
            f"pytorch {100 * statistics.mean(theirs):.2f} +- {100 * statistics.stdev(theirs):.2f}   "
            f"t {t:.2f}  p {p:.3f}  {'within noise' if p > 0.05 else 'DIFFERENT'}", flush=True,
        )


main()
