#!/usr/bin/env python3
"""Searches whose oracle is an external command, plausible or hostile. Usage: oracle_search.py PROGRAM [unittest arguments]"""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = ""
TINY = ["--trials", "4", "--epochs", "1", "--final-epochs", "1", "--finalists", "1", "--final-seeds", "1", "--seed", "3", "--jobs", "2"]

PART = """
name = "vendor-part"
title = "known through its command only"
core = "cortex-m4"
clock_mhz = 48
sources = ["none: a black box"]
[flash]
origin = 0x08000000
size = "128KiB"
[ram]
origin = 0x20000000
size = "32KiB"
"""

# The hidden border: RAM and time grow with the file; AUTOTINYML_MODEL_ID must be FNV-1a of its bytes.
PLAUSIBLE = """#!/usr/bin/env python3
import json, os, sys
data = open(sys.argv[1], "rb").read()
digest = 0xcbf29ce484222325
for byte in data:
    digest = (digest ^ byte) * 0x100000001b3 % 2**64
if f"{digest:016x}" != os.environ["AUTOTINYML_MODEL_ID"] or os.environ["AUTOTINYML_TARGET"] != "vendor-part":
    sys.exit("wrong environment")
if len(data) > 60000:
    print(json.dumps({"model": os.environ["AUTOTINYML_MODEL_ID"], "computable": False, "reason": "the compiler ran out of registers"}))
else:
    print("vendor tool 1.0\\n" + json.dumps({"model": os.environ["AUTOTINYML_MODEL_ID"], "flash_bytes": len(data) + 12000,
          "ram_bytes": 6000 + len(data) * BORDER // 10, "latency_ms": len(data) / 800}))
"""

BOARD = """
name = "mps2-an386"
title = "QEMU's board as a stand-in"
core = "cortex-m4"
fpu = true
clock_mhz = 25
sources = ["Arm application note 386: 4 MiB and 4 MiB, 25 MHz"]
[flash]
origin = 0x00000000
size = "128KiB"
[ram]
origin = 0x20000000
size = "32KiB"
"""

# Brings a firmware onto the stand-in: ends the last one and starts the next. SIGKILL, since a QEMU that ends by itself removes
# the socket and the pid file, perhaps the new ones.
FLASH = """#!/bin/sh
elf=$1 socket=$2 pid=$3
echo >> "$pid.count"
[ -s "$pid" ] && kill -9 $(cat "$pid")
rm -f "$socket" "$pid"
setsid qemu-system-arm -M mps2-an386 -kernel "$elf" -display none -monitor none \\
  -serial "unix:$socket,server=on,wait=off" -pidfile "$pid" >/dev/null 2>&1 &
for i in $(seq 500); do [ -s "$pid" ] && exit 0; sleep 0.02; done
exit 1
"""

ANSWER = """printf '{"model":"%s",%s}\\n' "$AUTOTINYML_MODEL_ID" '"flash_bytes":20000,"ram_bytes":9000'\n"""

# name: (script, a piece of the reason that the study must show)
HOSTILE = {
    "hangs": ("sleep 1000\n", "was stopped after"),
    "hangs-with-children": ("trap '' TERM INT\n(sleep 1000 & sleep 1000) & sleep 1000\n", "was stopped after"),
    "closes-its-output-and-hangs": ("exec >&- 2>&-\nsleep 1000\n", "was stopped after"),
    "stops-itself": ("kill -STOP $$\n", "was stopped after"),
    "leaves-the-group": (ANSWER + "setsid sleep 8 &\n", "was stopped after"),
    "crashes": ("kill -SEGV $$\n", "signal 11"),
    "exits": ("echo licence expired >&2; exit 7\n", "exited with code 7: licence expired"),
    "floods": ("head -c 100000000 /dev/zero | tr '\\0' x\n" + ANSWER, "more than 1 MiB"),
    "floods-errors": ("head -c 100000000 /dev/zero | tr '\\0' x >&2\n" + ANSWER, "more than 1 MiB"),
    "nan": ("""echo "{\\"model\\":\\"$AUTOTINYML_MODEL_ID\\",\\"flash_bytes\\":NaN,\\"ram_bytes\\":1}"\n""", "no JSON object"),
    "huge-number": ("""echo "{\\"model\\":\\"$AUTOTINYML_MODEL_ID\\",\\"flash_bytes\\":1e999,\\"ram_bytes\\":1}"\n""", "not usable"),
    "negative": ("""echo "{\\"model\\":\\"$AUTOTINYML_MODEL_ID\\",\\"flash_bytes\\":-1,\\"ram_bytes\\":1}"\n""", "'flash_bytes' is -1"),
    "bad-utf8": ("""printf '{"model":"%s","computable":false,"reason":"\\377\\033[2Jnasty"}' "$AUTOTINYML_MODEL_ID"\n""", "nasty"),
    "deep": ("head -c 900000 /dev/zero | tr '\\0' '['\n", "no JSON object"),
    "kills-itself": ("kill -KILL $$\n", "signal 9"),
    "kills-its-group": ("kill -KILL 0\n", "signal 9"),
    "another-model": ("""echo '{"model":"0123456789abcdef","flash_bytes":1,"ram_bytes":1}'\n""", "it is for model '0123456789abcdef'"),
    "deletes-the-model": ("rm -rf \"$1\" \"$(dirname \"$1\")\"; exit 4\n", "exited with code 4"),
}


def run(*arguments, check=None, cwd=None, timeout=120):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=timeout, cwd=cwd, errors="replace",
                            env=dict(os.environ, NO_COLOR="1"), stdin=subprocess.DEVNULL)
    if check is not None and result.returncode != check:
        raise AssertionError(f"exit {result.returncode} instead of {check}: {' '.join(arguments)}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
    return result


class OracleSearch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        subprocess.run([sys.executable, f"{HERE}/make_data.py", f"{cls.folder}/table", "--kind", "table", "--samples", "90"], check=True)
        with open(f"{cls.folder}/vendor-part.toml", "w", encoding="utf-8") as file:
            file.write(PART)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def script(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if text.startswith("#!") else "#!/bin/sh\n" + text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def summary(self, out):
        with open(f"{self.folder}/{out}/summary.json", encoding="utf-8") as file:
            return json.load(file)

    def trials(self, out):
        return json.loads(run("trials", f"{self.folder}/{out}/study.db", "--format", "json", check=0).stdout)

    def test_a_black_box_part_is_searched_and_its_border_shown(self):
        self.script("ask.py", PLAUSIBLE.replace("BORDER", "8"))
        result = run("search", "table", "--target", "vendor-part.toml", "--ram", "14KiB", "--latency", "12ms", "--oracle", "external:./ask.py",
                     "--trials", "14", *TINY[2:], "--out", "box", cwd=self.folder, check=0)
        summary = self.summary("box")
        self.assertTrue(summary["deployable"])
        self.assertTrue(summary["bit_exact"])
        self.assertLessEqual(summary["ram_bytes"], 14 * 1024)
        self.assertLessEqual(summary["latency_ms"], 12)
        # The figures are the command's own, for the file that is handed over.
        size = os.path.getsize(f"{self.folder}/box/model.tflite")
        self.assertEqual(summary["flash_bytes"], size + 12000)
        self.assertEqual(summary["ram_bytes"], 6000 + size * 8 // 10)
        # What was learnt of the border.
        border = summary["border"]
        listed = self.trials("box")
        listed = listed["trials"] if isinstance(listed, dict) else listed
        refused = [t for t in listed if t["outcome"] in ("undeployable", "build failed")]
        self.assertEqual(border["asked"], len(listed))
        self.assertEqual(border["fits"], len(listed) - len(refused))
        self.assertGreater(len(refused), 0)
        self.assertTrue(all(t["reason"] for t in refused))
        self.assertAlmostEqual(border["feasible_share"], border["fits"] / border["asked"])
        for limit in border["limits"]:
            if limit["refused"]:
                self.assertGreater(limit["smallest_refused"], limit["allowed"])
            if limit["largest_held"] is not None:
                self.assertLessEqual(limit["largest_held"], limit["allowed"])
        self.assertIn("border", result.stdout)
        with open(f"{self.folder}/box/report.html", encoding="utf-8") as file:
            self.assertIn("learnt of the border", file.read())
        # Without the command: the stored verdict is shown, nothing is asked again.
        os.rename(f"{self.folder}/ask.py", f"{self.folder}/gone.py")
        run("report", f"{self.folder}/box/study.db", "--out", f"{self.folder}/again.html", check=0, cwd=self.folder)
        # Stored verdicts give the same figures: the same page, and each trial's figures where the command said them.
        with open(f"{self.folder}/box/report.html", encoding="utf-8") as first, open(f"{self.folder}/again.html", encoding="utf-8") as second:
            self.assertEqual(first.read(), second.read())
        for trial in listed:
            if trial["outcome"] != "build failed":
                self.assertEqual(trial["figures"]["ram_bytes"], 6000 + (trial["figures"]["flash_bytes"] - 12000) * 8 // 10)
        again = run("resume", f"{self.folder}/box/study.db", check=0, cwd=self.folder)
        self.assertEqual(again.stdout.splitlines()[:10], result.stdout.splitlines()[:10])

    def test_nothing_fits_the_black_box(self):
        self.script("tight.py", PLAUSIBLE.replace("BORDER", "800"))
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:python3 tight.py", *TINY, "--out", "tight",
                     cwd=self.folder, check=1)
        self.assertIn("ram", result.stdout)
        self.assertEqual(self.summary("tight")["border"]["fits"], 0)

    def hostile(self, name):
        script, reason = HOSTILE[name]
        self.script(name, script)
        start = time.time()
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", f"external:./{name}", "--oracle-timeout", "0.5s", *TINY,
                     "--out", f"out-{name}", cwd=self.folder, check=1)
        self.assertLess(time.time() - start, 60)
        self.assertNotIn("\x1b", result.stdout)
        summary = self.summary(f"out-{name}")
        self.assertFalse(summary["deployable"])
        border = summary["border"]
        self.assertEqual((border["fits"], border["not_computable"]), (0, 4), border)
        self.assertIn(reason, border["reasons"][0]["reason"])
        self.assertLess(len(border["reasons"][0]["reason"]), 500)
        self.assertNotIn("\x1b", run("trials", f"{self.folder}/out-{name}/study.db", check=0).stdout)

    def test_a_board_is_searched_over_its_serial_line(self):
        if shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None:
            self.skipTest("needs qemu-system-arm and gcc-arm-none-eabi")
        self.script("flash.sh", FLASH)
        with open(f"{self.folder}/mps2-an386.toml", "w", encoding="utf-8") as file:
            file.write(BOARD)
        pid = f"{self.folder}/board.pid"
        oracle = f"serial:unix:{self.folder}/board.socket,flash=sh {self.folder}/flash.sh {{elf}} {self.folder}/board.socket {pid}"
        try:
            result = run("search", "table", "--target", "mps2-an386.toml", "--ram", "6KiB", "--oracle", oracle, *TINY, "--out", "board",
                         cwd=self.folder, check=0, timeout=200)
        finally:
            if os.path.exists(pid):
                with open(pid, encoding="utf-8") as file:
                    os.kill(int(file.read()), signal.SIGKILL)
        summary = self.summary("board")
        self.assertTrue(summary["deployable"])
        self.assertGreater(summary["latency_ms"], 0)
        self.assertLessEqual(summary["ram_bytes"], 6 * 1024)
        self.assertIn("bit-exact", result.stdout)
        with open(f"{pid}.count", encoding="utf-8") as file:
            self.assertGreaterEqual(len(file.readlines()), summary["trials"]["trained"])

    def test_a_vendors_compiler_is_searched(self):
        folder = os.environ.get("VELA_BIN", "")
        vela = shutil.which("vela", path=folder or None)
        if vela is None:
            self.skipTest("needs Arm's Vela: examples/oracles/make_venv.sh FOLDER and VELA_BIN=FOLDER/bin")
        examples = os.path.join(HERE, "../../examples/oracles")
        oracle = f"external:{sys.executable} {examples}/vela_oracle.py --accelerator ethos-u55-64"
        run("search", "table", "--target", f"{examples}/corstone300-u55.toml", "--ram", "32KiB", "--latency", "5ms", "--oracle", oracle,
            *TINY[:1], "3", *TINY[2:], "--out", "vela", cwd=self.folder, check=0)
        summary = self.summary("vela")
        self.assertTrue(summary["deployable"])
        self.assertEqual(summary["border"]["asked"], 3)
        # The figures are the tool's own for the file that is handed over.
        model = f"{self.folder}/vela/model.tflite"
        subprocess.run([vela, model, "--output-dir", f"{self.folder}/compiled", "--accelerator-config", "ethos-u55-64", "--optimise", "Size",
                        "--config", "Arm/vela.ini", "--system-config", "Ethos_U55_High_End_Embedded", "--memory-mode", "Shared_Sram"],
                       check=True, capture_output=True)
        self.assertEqual(summary["flash_bytes"], os.path.getsize(f"{self.folder}/compiled/model_vela.tflite"))
        checked = run("check", model, "--target", f"{examples}/corstone300-u55.toml", "--oracle", oracle, "--format", "json", check=0)
        self.assertEqual(json.loads(checked.stdout)["ram_bytes"], summary["ram_bytes"])
        # What Vela cannot place on the NPU or cannot read is refused with the reason.
        with open(f"{self.folder}/broken.tflite", "wb") as file:
            file.write(b"not a model")
        told = subprocess.run([sys.executable, f"{examples}/vela_oracle.py", f"{self.folder}/broken.tflite"], capture_output=True, text=True,
                              env=dict(os.environ, VELA_BIN=os.path.dirname(vela), AUTOTINYML_MODEL_ID="0123456789abcdef"), check=False)
        self.assertEqual(told.returncode, 0, told.stderr)
        told = json.loads(told.stdout)
        self.assertEqual((told["model"], told["computable"]), ("0123456789abcdef", False))
        self.assertIn("vela refused the model", told["reason"])

    def test_a_board_without_a_flash_command_is_refused(self):
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "serial:/dev/ttyACM0", *TINY, "--out", "no-flash",
                     cwd=self.folder, check=2)
        self.assertIn("append ,flash=COMMAND", result.stderr)
        self.assertFalse(os.path.exists(f"{self.folder}/no-flash/study.db"))

    def test_needs_standard_input(self):
        self.script("reads", "read line || true\n" + ANSWER)
        run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:./reads", *TINY, "--out", "reads-out", cwd=self.folder, check=0)
        self.assertTrue(self.summary("reads-out")["deployable"])

    def test_works_now_and_then(self):
        self.script("moody", f"n=$(cat '{self.folder}/count' 2>/dev/null || echo 0); echo $((n + 1)) > '{self.folder}/count'\n"
                    "[ $((n % 2)) = 0 ] && kill -SEGV $$\n" + ANSWER)
        arguments = [*TINY[:-1], "1"]
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:./moody", *arguments, "--out", "moody-out",
                     cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)  # asked again where it failed for the winner
        self.assertEqual(self.summary("moody-out")["border"]["not_computable"], 2)

    def test_changes_its_mind_about_the_trained_network(self):
        count = f"{self.folder}/fickle-count"
        self.script("fickle", f"echo >> '{count}'\n[ $(wc -l < '{count}') -gt 4 ] && exit 9\n" + ANSWER)
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:./fickle", *TINY, "--out", "fickle-out",
                     cwd=self.folder, check=1)
        self.assertIn("exited with code 9", result.stdout)
        self.assertFalse(self.summary("fickle-out")["deployable"])

    def test_interrupt_does_not_wait_for_a_hanging_command(self):
        self.script("slow", "sleep 1000\n")
        process = subprocess.Popen([PROGRAM, "search", "table", "--target", "vendor-part.toml", "--oracle", "external:./slow", *TINY,
                                    "--out", "slow-out"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not os.path.exists(f"{self.folder}/slow-out/study.db"):
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, errors)

    def test_a_budget_ends_a_hanging_command(self):
        self.script("slower", "sleep 1000\n")
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:./slower", "--budget", "3s", "--jobs", "1",
                     "--oracle-timeout", "2s", "--out", "slower-out", cwd=self.folder, check=1, timeout=60)
        self.assertIn("was stopped after", result.stdout)

    def test_a_command_that_does_not_exist(self):
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:./no-such-tool", *TINY, "--out", "none-out",
                     cwd=self.folder, check=2)
        self.assertIn("the external command './no-such-tool' cannot be run", result.stderr)
        result = run("search", "table", "--target", "vendor-part.toml", "--oracle", "external:true", "--oracle-timeout", "soon", "--out", "x",
                     cwd=self.folder, check=2)
        self.assertIn("--oracle-timeout: 'soon' is not a time", result.stderr)


for case in HOSTILE:
    setattr(OracleSearch, "test_hostile_" + case.replace("-", "_"), lambda self, case=case: self.hostile(case))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
