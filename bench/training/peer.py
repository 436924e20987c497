"""PyTorch twin of the training benchmark: reads network texts, trains on random data, prints samples/s.

Input (standard input): blocks "case NAME BATCH" followed by the network's text and a line "end".
Output: one JSON line per case: {"name", "threads", "samples_per_s"} - the median of the repetitions.
"""
import json
import re
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


def pair(text):
    a, b = text.split("x")
    return int(a), int(b)


class Twin(nn.Module):
    """One module per line of the text; TensorFlow's "same" padding, as the engine pads."""

    def __init__(self, text):
        super().__init__()
        self.steps = []  # (name, kind, inputs, attributes)
        self.parts = nn.ModuleDict()
        shapes = {}
        for line in text.strip().splitlines():
            name, kind, inputs, rest = re.match(r"(\w+) = (\w+)\(([^)]*)\)(.*)", line).groups()
            inputs = [i.strip() for i in inputs.split(",") if i.strip()]
            attributes = dict(a.split("=") for a in rest.split())
            shapes[name] = self.build(name, kind, [shapes[i] for i in inputs], attributes)
            self.steps.append((name, kind, inputs, attributes))
        self.input_shape = shapes[self.steps[0][0]]

    def window(self, a, h, w):
        k, s, d = pair(a["kernel"]), pair(a["stride"]), pair(a.get("dilation", "1x1"))
        pads, out = [], []
        for size, kernel, stride, dilation in zip((h, w), k, s, d):
            reach = dilation * (kernel - 1) + 1
            n = -(-size // stride) if a["padding"] == "same" else (size - reach) // stride + 1
            total = max(0, (n - 1) * stride + reach - size) if a["padding"] == "same" else 0
            pads.append((total // 2, total - total // 2))
            out.append(n)
        a["pads"] = (*pads[1], *pads[0])
        return k, s, d, out

    def build(self, name, kind, shapes, a):
        if kind == "input":
            return tuple(int(v) for v in a["shape"].split("x"))
        h, w, c = shapes[0]
        if kind in ("conv", "depthwise"):
            k, s, d, (oh, ow) = self.window(a, h, w)
            out = int(a["filters"]) if kind == "conv" else c * int(a["multiplier"])
            symmetric = a["pads"][0] == a["pads"][1] and a["pads"][2] == a["pads"][3]
            inside = (a["pads"][2], a["pads"][0]) if symmetric else 0
            if symmetric:
                a["pads"] = (0, 0, 0, 0)  # let the convolution pad: faster
            self.parts[name] = nn.Conv2d(c, out, k, s, inside, d, c if kind == "depthwise" else 1, a["bias"] == "1")
            return oh, ow, out
        if kind == "dense":
            self.parts[name] = nn.Linear(h * w * c, int(a["units"]), a["bias"] == "1")
            return 1, 1, int(a["units"])
        if kind == "batch_norm":
            self.parts[name] = nn.BatchNorm2d(c, eps=1e-3)
        if kind == "global_average_pool":
            return 1, 1, c
        return h, w, c

    def forward(self, x):
        values = {self.steps[0][0]: x}
        for name, kind, inputs, a in self.steps[1:]:
            v = values[inputs[0]]
            if kind in ("conv", "depthwise"):
                if any(a["pads"]):
                    v = F.pad(v, a["pads"])
                v = self.parts[name](v)
            elif kind == "dense":
                v = self.parts[name](v.flatten(1))
            elif kind == "batch_norm":
                v = self.parts[name](v)
            elif kind == "relu":
                v = F.relu(v)
            elif kind == "global_average_pool":
                v = v.mean((2, 3))
            elif kind == "add":
                v = v + values[inputs[1]]
            else:
                raise ValueError(f"layer kind {kind} is not in the twin")
            values[name] = v
        return v


def measure(name, text, batch, repetitions, seconds, channels_last):
    torch.manual_seed(1)
    net = Twin(text)
    h, w, c = net.input_shape
    x = torch.randn(batch, c, h, w)
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    classes = net(x).shape[1]
    labels = torch.randint(classes, (batch,))
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-4, foreach=True)

    def step():
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), labels).backward()
        optimiser.step()

    for _ in range(10):
        step()
    rates = []
    for _ in range(repetitions):
        start, count = time.process_time(), 0  # CPU time of one thread: other programs do not count
        while count == 0 or time.process_time() - start < seconds:
            step()
            count += 1
        rates.append(count * batch / (time.process_time() - start))
    return statistics.median(rates)


def main():
    repetitions, seconds = int(sys.argv[1]), float(sys.argv[2])
    torch.set_num_threads(1)
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    best = 0
    for _ in range(10):  # the machine's practical peak
        start = time.process_time()
        for _ in range(3):
            torch.mm(a, b)
        best = max(best, 3 * 2 * 1024**3 / (time.process_time() - start))
    print(json.dumps({"name": "sgemm", "samples_per_s": best}), flush=True)
    block = None
    for line in sys.stdin:
        if line.startswith("case "):
            _, batch, name = line.rstrip("\n").split(" ", 2)
            block = []
        elif line.strip() == "end":
            rate = max(measure(name, "".join(block), int(batch), repetitions, seconds, last) for last in (False, True))
            print(json.dumps({"name": name, "samples_per_s": rate, "version": torch.__version__}), flush=True)
        else:
            block.append(line)


if __name__ == "__main__":
    main()
