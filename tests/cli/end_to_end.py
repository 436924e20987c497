#!/usr/bin/env python3
"""The main job on small made-up data, as a user would run it. Usage: end_to_end.py PROGRAM [unittest arguments]"""
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = ""
SMALL = ["--target", "stm32f401re", "--flash", "48KiB", "--ram", "24KiB", "--trials", "5", "--epochs", "3", "--final-epochs", "3",
         "--finalists", "2", "--final-seeds", "2", "--seed", "3", "--jobs", "2"]


def run(*arguments, check=None):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL,
                            env=dict(os.environ, NO_COLOR="1"))
    if check is not None and result.returncode != check:
        raise AssertionError(f"exit {result.returncode} instead of {check}: {' '.join(arguments)}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
    return result


def contents(path):
    with open(path, "rb") as file:
        return file.read()


class EndToEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        for kind in ("image", "signal", "table"):
            subprocess.run([sys.executable, f"{HERE}/make_data.py", f"{cls.folder}/{kind}", "--kind", kind], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def check_output(self, out, target="stm32f401re"):
        with open(f"{out}/summary.json", encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual(summary["schema"], 1)
        self.assertEqual(summary["target"], target)
        self.assertTrue(summary["deployable"])
        self.assertTrue(summary["bit_exact"])
        self.assertLessEqual(summary["flash_bytes"], 48 * 1024)
        self.assertLessEqual(summary["ram_bytes"], 24 * 1024)
        self.assertGreater(summary["instructions"], 1000)
        self.assertLess(summary["cycles"]["low"], summary["cycles"]["high"])
        self.assertGreater(summary["metric"]["test"], 0.6)
        report = contents(f"{out}/report.html").decode()
        self.assertIn("</html>", report)
        self.assertNotIn("http://", report.replace("http://www.w3.org", ""))
        make = subprocess.run(["make", "-C", f"{out}/firmware"], capture_output=True, text=True)
        self.assertEqual(make.returncode, 0, make.stderr)
        return summary

    def test_dashboard_shows_a_study(self):
        out = self.path("dashboard-out")
        run("search", self.path("table"), *SMALL, "--out", out, check=0)
        page = self.path("page.html")
        run("dashboard", f"{out}/study.db", "--out", page, check=0)  # a complete study: one page, then the end
        written = contents(page).decode()
        self.assertIn("finished", written)
        self.assertNotIn("http-equiv", written)
        server = subprocess.Popen([PROGRAM, "dashboard", f"{out}/study.db", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            address = server.stdout.readline().strip()
            self.assertEqual(urllib.request.urlopen(address, timeout=60).read().decode(), written)
            summary = json.loads(urllib.request.urlopen(address + "summary.json", timeout=60).read())
            with open(f"{out}/summary.json", encoding="utf-8") as file:
                self.assertEqual(summary["flash_bytes"], json.load(file)["flash_bytes"])
            trials = json.loads(urllib.request.urlopen(address + "trials.json", timeout=60).read())["trials"]
            self.assertEqual(len(trials), 5)
            busy = run("dashboard", f"{out}/study.db", "--port", address.rstrip("/").rsplit(":", 1)[1], check=2)
            self.assertIn("--port", busy.stderr)
        finally:
            server.send_signal(signal.SIGINT)
            self.assertEqual(server.wait(timeout=60), 0)
            server.communicate()

    def test_image_search_gives_verified_firmware(self):
        out = self.path("image-out")
        result = run("search", self.path("image"), *SMALL, "--out", out, check=0)
        self.assertIn("stm32f401re", result.stdout)
        summary = self.check_output(out)
        # The model file alone gives the same test accuracy and the same deployability.
        evaluated = json.loads(run("evaluate", f"{out}/model.tflite", self.path("image"), "--format", "json", check=0).stdout)
        self.assertAlmostEqual(evaluated["value"], summary["metric"]["test"], places=9)
        checked = json.loads(run("check", f"{out}/model.tflite", "--target", "stm32f401re", "--format", "json", check=0).stdout)
        self.assertEqual(checked["flash_bytes"], summary["flash_bytes"])
        self.assertEqual(checked["ram_bytes"], summary["ram_bytes"])
        # Reference, host and emulated part agree on given input.
        contents_in = bytes(range(64)) * 3
        with open(self.path("in.bin"), "wb") as file:
            file.write(contents_in)
        for on in ("reference", "host", "mcu"):
            run("run", f"{out}/model.tflite", "--input", self.path("in.bin"), "--output", self.path(on), "--on", on, "--target", "stm32f401re", check=0)
        self.assertEqual(contents(self.path("reference")), contents(self.path("host")))
        self.assertEqual(contents(self.path("reference")), contents(self.path("mcu")))
        # A finished study shows its result again, and lists its trials.
        again = run("resume", f"{out}/study.db", check=0)
        self.assertEqual(again.stdout.splitlines()[:5], result.stdout.splitlines()[:5])
        trials = json.loads(run("trials", f"{out}/study.db", "--format", "json", check=0).stdout)
        self.assertEqual(len(trials["trials"]), 5)
        self.assertTrue(all(t["explanation"]["kind"] for t in trials["trials"]))  # why each was proposed
        self.assertIn("proposed as", run("trials", f"{out}/study.db", check=0).stdout)
        run("report", f"{out}/study.db", "--out", self.path("again.html"), check=0)
        run("search", self.path("image"), *SMALL, "--out", out, check=2)  # never overwrites

    def test_signal_and_table(self):
        for kind in ("signal", "table"):
            out = self.path(f"{kind}-out")
            run("search", self.path(kind), *SMALL, "--out", out, check=0)
            self.check_output(out)

    def test_the_same_seed_gives_the_same_bytes(self):
        run("search", self.path("signal"), *SMALL, "--out", self.path("one"), check=0)
        header = contents(self.path("one", "firmware", "model.h")).decode()
        again = next(line for line in header.splitlines() if "reproduce: autotinyml " in line)
        run(*shlex.split(again.split("autotinyml ", 1)[1]), "--out", self.path("two"), check=0)
        self.assertEqual(contents(self.path("one", "model.tflite")), contents(self.path("two", "model.tflite")))
        for file in sorted(os.listdir(self.path("one", "firmware"))):
            path = self.path("one", "firmware", file)
            if os.path.isfile(path):
                self.assertEqual(contents(path), contents(self.path("two", "firmware", file)), file)

    def test_random_strategy_and_another_part(self):
        out = self.path("random-out")
        arguments = [a if a != "stm32f401re" else "rp2040" for a in SMALL]
        run("search", self.path("table"), *arguments, "--strategy", "random", "--out", out, check=0)
        self.check_output(out, "rp2040")

    def test_impossible_limits_say_what_binds(self):
        out = self.path("impossible-out")
        result = run("search", self.path("image"), "--target", "stm32f401re", "--flash", "2KiB", "--out", out, check=1)
        self.assertIn("flash", result.stdout)
        self.assertIn("--flash", result.stdout)
        with open(f"{out}/summary.json", encoding="utf-8") as file:
            summary = json.load(file)
        self.assertFalse(summary["deployable"])
        self.assertTrue(summary["reasons"])
        again = run("resume", f"{out}/study.db", check=1)
        self.assertIn("--flash", again.stdout)

    def start_and_stop(self, out, signal_number, seconds):
        arguments = [PROGRAM, "search", self.path("image"), *SMALL[:6], "--trials", "60", "--epochs", "9", "--final-epochs", "2",
                     "--final-seeds", "1", "--finalists", "1", "--out", out]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.time() + 60
        while time.time() < deadline and not os.path.exists(f"{out}/study.db"):
            time.sleep(0.05)
        time.sleep(seconds)
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    def measured(self, out):
        with sqlite3.connect(f"file:{out}/study.db?mode=ro", uri=True) as database:
            return database.execute("select count(*) from sqlite_master").fetchone()[0]

    def finished_trials(self, out):
        listed = json.loads(run("trials", f"{out}/study.db", "--format", "json", check=0).stdout)
        listed = listed["trials"] if isinstance(listed, dict) else listed
        return {t["trial"]: t for t in listed if t["outcome"] in ("measured", "undeployable")}

    def test_interrupt_releases_and_resume_goes_on(self):
        out = self.path("interrupt-out")
        code, errors = self.start_and_stop(out, signal.SIGINT, 2.5)
        self.assertEqual(code, 130, errors)
        self.assertIn("autotinyml resume", errors)
        before = self.finished_trials(out)
        run("resume", f"{out}/study.db", check=0)
        after = self.finished_trials(out)
        for number, trial in before.items():
            self.assertEqual(after[number], trial)  # nothing finished was done again

    def test_kill_loses_only_the_stage_in_flight(self):
        out = self.path("kill-out")
        code, _ = self.start_and_stop(out, signal.SIGKILL, 2.5)
        self.assertEqual(code, -signal.SIGKILL)
        self.assertGreater(self.measured(out), 0)
        before = self.finished_trials(out)
        run("resume", f"{out}/study.db", check=0)
        after = self.finished_trials(out)
        for number, trial in before.items():
            self.assertEqual(after[number], trial)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
