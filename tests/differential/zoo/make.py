"""Converts the networks of models.py and writes NAME.tflite, NAME.in, NAME.out (TFLite's reference kernels) to a folder.

make.py FOLDER [NAME...]. Files that exist are kept, so that a run can be continued.
"""
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import models  # noqa: E402

INPUTS = 6


def variants():
    for name in models.MODELS:
        yield name, name, "int8", True
    for name in ("resnet8", "conv1d", "autoencoder", "squeeze_excite", "dense_on_a_sequence", "preactivation_resnet"):
        yield name + "__float", name, "float", True
        yield name + "__uint8", name, "uint8", True
    for name in ("resnet8", "mobilenet_v1", "autoencoder", "depth_multipliers", "dense_on_a_sequence", "shared_layers"):
        yield name + "__per_tensor", name, "int8", False
    for name in models.REFUSED:
        yield name, name, "int8", True


def samples(detail, rng):
    shape = [INPUTS, *detail["shape"][1:]]
    q = rng.integers(-128, 128, shape)
    q[0] = -128 if rng.random() < 0.5 else 127
    q[1] = rng.integers(-20, 20, q[1].shape)
    if detail["dtype"] == np.float32:  # the network's own input is found behind QUANTIZE
        return q
    return q.astype(np.int8)


def run(bytes_, rng):
    interpreter = tf.lite.Interpreter(model_content=bytes_,
                                      experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    inputs, outputs = samples(source, rng).astype(np.int8), []
    scale, zero = 1.0, 0
    tensors = {t["index"]: t for t in interpreter.get_tensor_details()}
    ops = interpreter._get_ops_details()
    if source["dtype"] == np.float32:
        first = [o for o in ops if o["op_name"] == "QUANTIZE" and o["inputs"][0] == source["index"]][0]
        scale, zero = tensors[first["outputs"][0]]["quantization"]
    for sample in inputs:
        value = sample[None]
        if source["dtype"] == np.uint8:
            value = (value.astype(int) + 128).astype(np.uint8)
        if source["dtype"] == np.float32:
            value = ((value.astype(np.float32) - np.float32(zero)) * np.float32(scale)).astype(np.float32)
        interpreter.set_tensor(source["index"], value)
        interpreter.invoke()
        got = interpreter.get_tensor(result["index"]).ravel()
        if result["dtype"] == np.uint8:
            got = (got.astype(int) - 128).astype(np.int8)
        if result["dtype"] == np.float32:
            last = [o for o in ops if o["op_name"] == "DEQUANTIZE" and o["outputs"][0] == result["index"]][0]
            s, z = tensors[last["inputs"][0]]["quantization"]
            got = np.round(got / np.float32(s)).astype(int) + z
        outputs.append(got.astype(np.int8))
    return inputs, np.concatenate(outputs)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    refusals = [f"{name}\t{operator}\n" for name, (_, operator) in models.REFUSED.items()]
    (folder / "refused.txt").write_text("".join(refusals))
    for seed, (name, kind, io, per_channel) in enumerate(variants()):
        if (sys.argv[2:] and name not in sys.argv[2:]) or (folder / (name + ".tflite")).exists():
            continue
        tf.keras.utils.set_random_seed(seed)
        tf.keras.backend.clear_session()
        make, refused = models.REFUSED.get(kind, (models.MODELS.get(kind), None))
        try:
            bytes_ = models.convert(models.randomise(make(), seed), seed, io, per_channel)
        except Exception as error:  # a layer that this TensorFlow cannot convert is no case
            print(f"{name}: not converted: {type(error).__name__}: {str(error).splitlines()[0][:150]}", flush=True)
            continue
        if not refused:
            inputs, outputs = run(bytes_, np.random.default_rng(seed))
            inputs.tofile(folder / (name + ".in"))
            outputs.tofile(folder / (name + ".out"))
        (folder / (name + ".tflite")).write_bytes(bytes_)
        print(f"{name}: {len(bytes_)} bytes", flush=True)


if __name__ == "__main__":
    main()
