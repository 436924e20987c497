"""Runs every case of a folder (NAME.tflite, NAME.in, NAME.out) in LiteRT and compares the output bytes."""
import pathlib
import sys

import numpy
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def run(path, kernels):
    kind = OpResolverType.BUILTIN_REF if kernels == "reference" else OpResolverType.AUTO
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    shape = interpreter.get_input_details()[0]
    samples = numpy.fromfile(path.with_suffix(".in"), dtype=numpy.int8).reshape(-1, *shape["shape"][1:])
    outputs = []
    for sample in samples:
        interpreter.set_tensor(shape["index"], sample[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel().copy())
    return numpy.concatenate(outputs)


def main():
    folder, kernels = pathlib.Path(sys.argv[1]), sys.argv[2]
    cases = sorted(folder.glob("*.tflite"))
    bad, refused, values, largest = [], [], 0, 0
    for path in cases:
        wanted = numpy.fromfile(path.with_suffix(".out"), dtype=numpy.int8)
        try:
            got = run(path, kernels)
        except (RuntimeError, ValueError) as error:
            refused.append((path.stem, str(error).splitlines()[0]))
            continue
        values += got.size
        difference = numpy.abs(got.astype(int) - wanted.astype(int))
        if difference.any():
            bad.append((path.stem, int((difference > 0).sum()), int(difference.max())))
            largest = max(largest, int(difference.max()))
    print(f"{len(cases)} models, {values} output values compared with LiteRT's {kernels} kernels: "
          f"{len(bad)} models differ (largest difference {largest}), {len(refused)} refused")
    for name, count, worst in bad[:10]:
        print(f"  {name}: {count} values differ, by up to {worst}")
    for name, error in refused[:10]:
        print(f"  {name} refused: {error}")
    return 1 if bad or refused else 0


if __name__ == "__main__":
    sys.exit(main())
