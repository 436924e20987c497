#!/usr/bin/env python3
"""Clean-up and packed forms as a user meets them: on by default for C, reported apart, the same bytes from every engine.

Usage: clean_up.py PROGRAM DEAD_CHANNELS_MODEL [unittest arguments]
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM = MODEL_WRITER = ""
TARGET = ["--target", "stm32f401re"]


def run(*arguments):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300, env=dict(os.environ, NO_COLOR="1"))
    if result.returncode:
        raise AssertionError(f"exit {result.returncode}: {' '.join(arguments)}\n{result.stdout}\n{result.stderr}")
    return result.stdout + result.stderr


class CleanUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.model = os.path.join(cls.scratch.name, "dead.tflite")
        subprocess.run([MODEL_WRITER, cls.model], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def path(self, name):
        return os.path.join(self.scratch.name, name)

    def check(self, *options):
        return json.loads(run("check", self.model, *TARGET, "--format", "json", *options))

    def test_check_tells_both_figures_whichever_is_asked(self):
        clean, given = self.check(), self.check("--no-clean-up")
        figures = ("flash_bytes", "ram_bytes", "instructions")
        self.assertTrue(clean["clean_up"]["applied"])
        self.assertFalse(given["clean_up"]["applied"])
        self.assertGreaterEqual(clean["clean_up"]["channels_removed"], 8)  # of the convolution and of the depthwise
        self.assertEqual({f: given[f] for f in figures}, clean["clean_up"]["as_given"])
        self.assertEqual({f: clean[f] for f in figures}, given["clean_up"]["cleaned"])
        self.assertLess(clean["instructions"], given["instructions"])
        text = run("check", self.model, *TARGET)
        self.assertIn("channels left out, same output bytes; as given (--no-clean-up): flash", text)

    def test_no_layer_is_left_to_portable_code(self):
        self.assertNotIn("slow:", run("check", self.model, *TARGET, "--no-clean-up"))

    def test_every_engine_gives_the_same_bytes(self):
        with open(self.path("in.bin"), "wb") as file:
            file.write(bytes((7 * i * i + 31 * i) % 256 for i in range(3 * 16 * 12 * 3)))
        outputs = []
        for on in ("reference", "host", "mcu"):
            for options in ([], ["--no-clean-up"]):
                run("run", self.model, "--input", self.path("in.bin"), "--output", self.path("out.bin"), "--on", on, *TARGET, *options)
                with open(self.path("out.bin"), "rb") as file:
                    outputs.append(file.read())
        self.assertEqual(len(set(outputs)), 1)
        self.assertGreater(len(set(outputs[0])), 1)

    def test_exported_c_passes_its_self_test_either_way(self):
        for options, said in (([], True), (["--no-clean-up"], False)):
            folder = self.path("c" + "".join(options))
            text = run("export", self.model, "--format", "c", *TARGET, "--out", folder, *options)
            self.assertEqual("clean-up:" in text, said)
            subprocess.run(["make", "-s", "-C", folder, "check"], check=True, capture_output=True)

    def test_a_tflite_file_is_written_as_given_unless_asked(self):
        sizes = []
        for options in ([], ["--clean-up"]):
            run("export", self.model, "--format", "tflite", "--out", self.path("t"), *options)
            sizes.append(os.path.getsize(self.path("t/model.tflite")))
        self.assertLess(sizes[1], sizes[0])


if __name__ == "__main__":
    PROGRAM, MODEL_WRITER = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
