"""compare.py FOLDER: every NAME.onnx that autotinyml wrote, run by onnxruntime, against NAME.out.

What is compared. NAME.out holds the int8 outputs of autotinyml's reference interpreter, which computes as TFLite does, byte
for byte. NAME.onnx says the same network in real numbers: QuantizeLinear and DequantizeLinear around float operators.
onnxruntime gets the dequantised inputs of NAME.in; its real outputs, divided by the scale of the output, are counted in
steps of the int8 output. Each file is also checked by onnx.checker. All runs twice: with onnxruntime's optimiser off and on.

What must be equal. EXACT operators choose or move values and do not compute: maximum pooling, padding and reshaping must
give every byte, on both levels.

What may differ by one step, and why. All other operators end in one requantisation. ONNX does it in float and rounds
half to even, once; TFLite multiplies by a 32-bit fixed-point factor and rounds half away from zero, twice: products near
a half of a step fall to either side. One requantisation so differs by one step at most, whatever the operator: a convolution,
an addition, a mean, a table (hard-swish, logistic: the float function before its rounding), a concatenation that rescales,
a softmax. Two steps are a failure.

What may differ more. In whole networks such steps are the inputs of the next layers, and add up: no bound of one value
holds, so their mean |difference| over all values must stay below NETWORK_MEAN. With the optimiser on, onnxruntime drops
a ReLU in front of a zero point of -128 and merges the two quantisations into a third grid: its graph is then not the graph
of the file, and networks that begin with a ReLU differ more, hence the higher bound there.
"""
import collections
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort

EXACT = {"max_pool", "pad", "reshape"}
OPERATOR_STEPS = 1  # of every other operator alone
# Mean |difference| over all values of whole networks, in steps.
NETWORK_MEAN = {ort.GraphOptimizationLevel.ORT_DISABLE_ALL: 0.7,
                ort.GraphOptimizationLevel.ORT_ENABLE_ALL: 1.0}


def read(path):
    lines = path.with_suffix(".txt").read_text().split("\n")
    (h, w, c, s, z), (oh, ow, oc, os_, oz) = (line.split() for line in lines[:2])
    shape, out = (int(h), int(w), int(c)), (int(oh), int(ow), int(oc))
    x = np.fromfile(path.with_suffix(".in"), np.int8).reshape((-1,) + shape)
    y = np.fromfile(path.with_suffix(".out"), np.int8).reshape((-1,) + out)
    return x, y, (np.float32(s), int(z)), (np.float32(os_), int(oz))


def run(session, x, grid, out_grid, out_shape):
    info = session.get_inputs()[0]
    results = []
    for sample in x:
        real = (sample.astype(np.float32) - grid[1]) * grid[0]
        real = real.transpose(2, 0, 1).reshape(info.shape)
        (y,) = session.run(None, {info.name: real})
        q = np.rint(y / out_grid[0]).astype(int) + out_grid[1]
        h, w, c = out_shape
        results.append(q.reshape(c, h, w).transpose(1, 2, 0))
    return np.stack(results)


def main():
    folder = pathlib.Path(sys.argv[1])
    failures = 0
    for level, network_mean in NETWORK_MEAN.items():
        totals = collections.defaultdict(lambda: [0, 0, 0, 0.0])  # values, different, worst, sum
        for path in sorted(folder.glob("*.onnx")):
            onnx.checker.check_model(onnx.load(path))
            x, y, grid, out_grid = read(path)
            options = ort.SessionOptions()
            options.graph_optimization_level = level
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            off = np.abs(run(session, x, grid, out_grid, y.shape[1:]) - y)
            name = path.name.split("_")
            kind = "network" if name[0] == "network" else "_".join(name[1:-2])
            t = totals[kind]
            t[0] += off.size
            t[1] += int((off > 0).sum())
            t[2] = max(t[2], int(off.max()))
            t[3] += float(off.sum())
            if kind != "network" and off.max() > (0 if kind in EXACT else OPERATOR_STEPS):
                print(f"{path.name}: differs by {off.max()} steps")
                failures += 1
        print(level)
        for kind, (count, different, worst, total) in sorted(totals.items()):
            print(f"  {kind:14} {count:8} values, {100 * different / count:6.3f} % differ, "
                  f"at most {worst}, mean {total / count:.4f}")
            if kind == "network" and total / count > network_mean:
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
