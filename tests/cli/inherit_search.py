#!/usr/bin/env python3
"""Warm start in a search: it is marked, is the same for the same seed, survives kill -9, and finalists never use it.

Usage: inherit_search.py PROGRAM [unittest arguments]
"""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = ""
# Only widths and kernels vary, so that most networks can pass their weights on to a later one.
SPACE = """extends = "image"
name = "alike"
description = "networks that differ in width"
[parameters]
stages.fixed = 2
stage1_depth.fixed = 1
stage2_depth.fixed = 1
block.fixed = "separable"
residual.fixed = "none"
downsample.fixed = "stride"
stem_stride.fixed = 1
stage1_stride.fixed = 1
head.fixed = "average"
hidden.fixed = 0
"""
SEARCH = ["--target", "stm32f401re", "--strategy", "random", "--oracle", "analytic", "--epochs", "3", "--final-epochs", "2", "--final-seeds", "1",
          "--finalists", "20", "--seed", "5", "--jobs", "2"]


def run(*arguments, check=0):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    if result.returncode != check:
        raise AssertionError(f"exit {result.returncode}: {' '.join(arguments)}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
    return result.stdout


def trials(out):
    return json.loads(run("trials", f"{out}/study.db", "--format", "json"))["trials"]


def blobs(out, kind):
    with sqlite3.connect(f"file:{out}/study.db?mode=ro", uri=True) as database:
        return dict(database.execute("select trial, bytes from blob where kind = ?", (kind,)))


class Inheritance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.data = f"{cls.scratch.name}/image"
        cls.space = f"{cls.scratch.name}/alike.toml"
        subprocess.run([sys.executable, f"{HERE}/make_data.py", cls.data, "--kind", "image"], check=True)
        with open(cls.space, "w", encoding="utf-8") as file:
            file.write(SPACE)
        cls.warm, cls.cold = cls.search("warm", "--inherit"), cls.search("cold")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def search(cls, name, *more):
        out = f"{cls.scratch.name}/{name}"
        run("search", cls.data, "--space", cls.space, "--trials", "10", *SEARCH, *more, "--out", out)
        return out

    def test_it_is_marked(self):
        heirs = {t["trial"]: t["inherits"] for t in trials(self.warm) if t["inherits"] is not None}
        self.assertTrue(heirs)
        for heir, donor in heirs.items():
            self.assertNotEqual(heir, donor)
        number, donor = next(iter(heirs.items()))
        row = next(r for r in run("trials", f"{self.warm}/study.db").splitlines() if r.split()[:1] == [str(number)])
        self.assertIn(f"began with the weights of trial {donor}", row)
        with open(f"{self.warm}/report.html", encoding="utf-8") as file:
            report = file.read()
        self.assertIn(f"began with the weights of trial {donor}", report)
        self.assertIn("--epochs 3 --final-epochs 2 --finalists 20 --final-seeds 1 --inherit", report)  # the command that repeats it
        self.assertFalse([t for t in trials(self.cold) if t["inherits"] is not None])
        self.assertNotIn("began with the weights", run("trials", f"{self.cold}/study.db"))

    def test_it_changes_trials_but_no_finalist(self):
        """Proposals do not depend on scores here: trial n is the same network in both studies."""
        warm, cold = ({t["trial"]: t for t in trials(out)} for out in (self.warm, self.cold))
        heirs = [n for n, t in warm.items() if t["inherits"] is not None]
        for n in warm:
            self.assertEqual(warm[n]["configuration"], cold[n]["configuration"])
            if n not in heirs:
                self.assertEqual(warm[n]["rungs"][0]["train_loss"], cold[n]["rungs"][0]["train_loss"])
        self.assertTrue(any(warm[n]["rungs"][0]["train_loss"] < cold[n]["rungs"][0]["train_loss"] for n in heirs))
        finals = blobs(self.warm, "final-0-checkpoint"), blobs(self.cold, "final-0-checkpoint")
        self.assertTrue(set(heirs) & set(finals[0]))
        self.assertEqual(finals[0], finals[1])  # from scratch: the very same weights

    def test_the_same_seed_gives_the_same_study(self):
        again = self.search("again", "--inherit")
        for t, u in zip(trials(self.warm), trials(again)):
            self.assertEqual((t["inherits"], t["objective"]), (u["inherits"], u["objective"]))
        with open(f"{self.warm}/model.tflite", "rb") as a, open(f"{again}/model.tflite", "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_finalists_learn_from_larger_networks(self):
        taught = self.search("taught", "--distil")
        for t, u in zip(trials(self.cold), trials(taught)):
            self.assertEqual(t["objective"], u["objective"])  # the search itself is the same
        with sqlite3.connect(f"file:{taught}/study.db?mode=ro", uri=True) as database:
            notes = {key: json.loads(text) for key, text in database.execute("select name, json from note") if key.startswith("final/")}
        listed = {t["trial"]: t for t in trials(taught)}
        finals = blobs(self.cold, "final-0-checkpoint"), blobs(taught, "final-0-checkpoint")
        self.assertTrue([n for n in notes.values() if n["teacher"] is not None])
        for key, note in notes.items():
            trial, teacher = int(key.split("/")[1]), note["teacher"]
            if teacher is not None:
                self.assertGreater(listed[teacher]["objective"], listed[trial]["objective"])
            self.assertEqual(finals[0][trial] == finals[1][trial], teacher is None)
        again = self.search("taught-again", "--distil")
        with open(f"{taught}/model.tflite", "rb") as a, open(f"{again}/model.tflite", "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_it_survives_kill_9(self):
        out = f"{self.scratch.name}/killed"
        process = subprocess.Popen([PROGRAM, "search", self.data, "--space", self.space, "--trials", "16", *SEARCH, "--inherit", "--out", out],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + 60
        while time.time() < deadline:
            time.sleep(0.1)
            if os.path.exists(f"{out}/study.db") and any(t["inherits"] is not None and t["rungs"] for t in self.listed(out)):
                break
        process.send_signal(signal.SIGKILL)
        self.assertEqual(process.wait(), -signal.SIGKILL)
        before = {t["trial"]: t for t in trials(out) if t["rungs"]}
        self.assertTrue(any(t["inherits"] is not None for t in before.values()))
        run("resume", f"{out}/study.db")
        after = {t["trial"]: t for t in trials(out)}
        for number, t in before.items():
            self.assertEqual(after[number]["inherits"], t["inherits"])
            self.assertEqual(after[number]["rungs"][: len(t["rungs"])], t["rungs"])  # nothing was trained again

    @staticmethod
    def listed(out):
        try:
            return trials(out)
        except AssertionError:
            return []  # not yet written


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
