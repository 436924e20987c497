"""theirs.py FOLDER PROGRAM: float models, quantised by onnxruntime's quantize_static (QDQ, int8),
run by autotinyml and by onnxruntime."""
import logging
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                      quantize_static)

MEAN_STEPS = 1.0  # mean |difference| of the outputs, in steps


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter([{"x": s} for s in samples])

    def get_next(self):
        return next(self.samples, None)


def float_model(rng, matmul):
    constants, nodes = [], []

    def constant(name, shape, scale):
        value = (rng.standard_normal(shape) * scale).astype(np.float32)
        constants.append(numpy_helper.from_array(value, name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    a = node("Conv", ["x", constant("w1", (8, 3, 3, 3), 0.3), constant("b1", (8,), 0.1)], "conv_1",
             pads=[1, 1, 1, 1], strides=[2, 2], kernel_shape=[3, 3])
    a = node("Relu", [a], "relu_1")
    b = node("Conv", [a, constant("w2", (8, 1, 3, 3), 0.3), constant("b2", (8,), 0.1)], "conv_2",
             pads=[1, 1, 1, 1], group=8, kernel_shape=[3, 3])
    a = node("Add", [a, b], "add_1")
    a = node("MaxPool", [a], "pool_1", kernel_shape=[2, 2], strides=[2, 2])
    c = node("Conv", [a, constant("w3", (6, 8, 1, 1), 0.4)], "conv_3", kernel_shape=[1, 1])
    a = node("Concat", [a, c], "concat_1", axis=1)
    if matmul:
        a = node("Flatten", [a], "flatten_1", axis=1)
        a = node("MatMul", [a, constant("w4", (14 * 16, 5), 0.1)], "matmul_1")
    else:
        a = node("GlobalAveragePool", [a], "mean_1")
        a = node("Flatten", [a], "flatten_1", axis=1)
        a = node("Gemm", [a, constant("w4", (5, 14), 0.4), constant("b4", (5,), 0.1)], "gemm_1",
                 transB=1)
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info(a, TensorProto.FLOAT, [1, 5])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def main():
    folder, program = pathlib.Path(sys.argv[1]) / "theirs", sys.argv[2]
    folder.mkdir()
    logging.disable(logging.WARNING)  # advice on preparing models
    failures = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        matmul, per_channel = seed % 2 == 1, seed % 4 < 2
        onnx.save(float_model(rng, matmul), folder / "float.onnx")
        samples = rng.standard_normal((32, 1, 3, 16, 16)).astype(np.float32)
        quantize_static(folder / "float.onnx", folder / "int8.onnx", Samples(samples),
                        quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8,
                        weight_type=QuantType.QInt8, per_channel=per_channel)
        graph = onnx.load(folder / "int8.onnx").graph
        constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        last = next(n for n in graph.node if n.output[0] == graph.output[0].name)
        scale, zero = (float(constants[n]) for n in last.input[1:3])
        session = ort.InferenceSession(str(folder / "int8.onnx"),
                                       providers=["CPUExecutionProvider"])
        theirs = np.stack([session.run(None, {"x": s})[0][0] for s in samples])
        np.save(folder / "in.npy", samples[:, 0].transpose(0, 2, 3, 1).copy())
        done = subprocess.run([program, "run", folder / "int8.onnx", "--input", folder / "in.npy",
                               "--output", folder / "out.bin"], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"seed {seed}: {done.stderr}")
            failures += 1
            continue
        ours = np.fromfile(folder / "out.bin", np.int8).reshape(theirs.shape).astype(int)
        off = np.abs(np.rint(theirs / scale) + zero - ours)
        print(f"quantize_static {seed} ({'MatMul' if matmul else 'Gemm'}, "
              f"{'per channel' if per_channel else 'per tensor'}): mean {off.mean():.4f} steps, "
              f"at most {off.max():.0f}")
        failures += bool(off.mean() > MEAN_STEPS)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
