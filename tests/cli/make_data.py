#!/usr/bin/env python3
"""Writes a small labelled data set as a folder with a dataset.toml, without NumPy. With a flag: a damaged one.

make_data.py FOLDER [--kind image|signal|table] [--samples N] [--nan | --label L | --cut | --single]
"""
import argparse
import math
import os
import random
import struct

CLASSES = 3


def npy(path, kind, shape, values, cut=False):
    letter, code = {"f4": ("f", "<f4"), "u1": ("B", "|u1")}[kind]
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }" % (code, ", ".join(map(str, shape)))
    header = header.ljust((10 + len(header) + 1 + 63) // 64 * 64 - 11) + "\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}{letter}", *values)
    with open(path, "wb") as file:
        file.write(data[:-7] if cut else data)


def image(label, rng):
    """8 x 8 grey: a bright row, column or diagonal at a random place, in noise."""
    at = rng.randrange(1, 7)
    pixels = []
    for y in range(8):
        for x in range(8):
            on = (y == at, x == at, (x + y) % 8 == at)[label]
            pixels.append(min(255, max(0, int((200 if on else 40) + rng.gauss(0, 25)))))
    return pixels


def signal(label, rng):
    """32 steps x 2 channels: three frequencies with random phase, in noise."""
    phase = rng.uniform(0, 6.28)
    out = []
    for t in range(32):
        wave = math.sin(phase + t * (0.3, 0.8, 1.6)[label])
        out += [wave + rng.gauss(0, 0.3), 0.5 * wave + rng.gauss(0, 0.3)]
    return out


def table(label, rng):
    centre = ((0, 0, 1, 1), (1, 0, 0, 1), (1, 1, 0, 0))[label]
    return [c + rng.gauss(0, 0.35) for c in centre]


KINDS = {
    "image": (image, "u1", (8, 8), '"sample", "height", "width"'),
    "signal": (signal, "f4", (32, 2), '"sample", "time", "channel"'),
    "table": (table, "f4", (4,), '"sample", "feature"'),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--kind", default="table", choices=KINDS)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--nan", action="store_true")
    parser.add_argument("--label", type=int)
    parser.add_argument("--cut", action="store_true")
    parser.add_argument("--single", action="store_true")
    args = parser.parse_args()
    make, kind, shape, layout = KINDS[args.kind]
    os.makedirs(args.folder, exist_ok=True)
    rng = random.Random(7)
    for split, count in (("train", args.samples), ("test", args.samples // 3)):
        labels = [i % CLASSES for i in range(count)]
        values = [v for label in labels for v in make(label, rng)]
        if args.nan:
            values[5] = float("nan")
        if args.label is not None:
            labels[3] = args.label
        if args.single:
            labels = [0] + [1 + i % 2 for i in range(count - 1)]
        npy(f"{args.folder}/{split}_x.npy", kind, (count, *shape), values, args.cut)
        npy(f"{args.folder}/{split}_y.npy", "u1", (count,), labels)
    with open(f"{args.folder}/dataset.toml", "w", encoding="utf-8") as toml:
        toml.write(f'name = "made-{args.kind}"\ntask = "classification"\nclasses = ["a", "b", "c"]\nlayout = [{layout}]\n')
        for split in ("train", "test"):
            toml.write(f'[{split}]\nx = "{split}_x.npy"\ny = "{split}_y.npy"\n')


if __name__ == "__main__":
    main()
