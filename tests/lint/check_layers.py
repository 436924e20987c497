#!/usr/bin/env python3
"""Checks the walls of src/ against what its CMakeLists.txt files say; prints each breach, exits 1 on any.

1. A file of layer A includes "B/x.h" only where A's add_layer() lists B in DEPENDS (a test also where
   its add_unit_test() links atml_B); the graph of DEPENDS has no cycle; no include leads nowhere.
2. A third-party header is included by one folder only (ANYWHERE and SHARED name the exceptions).
3. Every source file is named in a CMakeLists.txt of its folder or above, every header is included.

Use: check_layers.py [ROOT]
"""
import re
import sys
from pathlib import Path

# Third-party, but everybody's: text formatting, and what tests and benchmarks are made of.
ANYWHERE = {"fmt", "gtest", "rapidcheck", "rapidcheck.h", "benchmark"}
# Folders that may share a header, with the reason in design's list of dependencies.
SHARED = {"hwy": {"train", "quantize"}}  # SIMD: the float engine and the int8 interpreter
# Headers of plain values that a layer may include without linking their layer (design, section 3).
VALUES = {"propose": {"study/explanation.h", "study/trial.h"}}
# Directories and headers of the C library and the kernel.
SYSTEM = {"sys", "linux", "netinet", "arpa", "net", "bits", "asm", "arm_neon.h", "immintrin.h", "x86intrin.h",
          "cpuid.h", "unistd.h", "fcntl.h", "signal.h", "poll.h", "pthread.h", "spawn.h", "dirent.h", "dlfcn.h", "link.h",
          "elf.h", "termios.h", "getopt.h", "glob.h", "fnmatch.h", "ftw.h", "libgen.h", "sched.h", "semaphore.h",
          "netdb.h", "pwd.h", "grp.h", "syslog.h", "wait.h", "strings.h", "endian.h", "byteswap.h", "alloca.h",
          "malloc.h", "execinfo.h", "sysexits.h", "locale.h", "langinfo.h", "iconv.h", "regex.h", "time.h",
          "stdint.h", "stddef.h", "stdbool.h", "string.h", "stdio.h", "stdlib.h", "math.h", "errno.h", "assert.h",
          "limits.h", "inttypes.h", "stdarg.h", "float.h", "ctype.h", "setjmp.h"}
SOURCES = {".cpp", ".cc", ".cxx"}
HEADERS = {".h", ".hpp"}
KEYWORDS = {"DEPENDS", "SOURCES", "LIBRARIES", "TESTS", "LABELS", "TIMEOUT"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def raw_calls(text, function):
    text = re.sub(r"#[^\n]*", "", text)
    return [m.group(1).split() for m in re.finditer(rf"\b{function}\s*\(([^)]*)\)", text)]


def calls(text, function):
    """The argument lists of function(...) in a CMake text; ${variables} set in the same text hold all
    that any branch puts into them."""
    values = {}
    for words in raw_calls(text, "set"):
        values.setdefault(words[0], []).extend(words[1:])
    for words in raw_calls(text, "list"):
        if words[0] == "APPEND":
            values.setdefault(words[1], []).extend(words[2:])
    expand = lambda word: values.get(word[2:-1], [word]) if word.startswith("${") and word.endswith("}") else [word]
    return [[w for word in words for w in expand(word)] for words in raw_calls(text, function)]


def arguments(words):
    """{keyword: [words]} of one call; its first word is under ''."""
    found, key = {"": []}, ""
    for word in words:
        if word in KEYWORDS:
            key = word
            found.setdefault(key, [])
        else:
            found[key].append(word)
    return found


class Layer:
    def __init__(self, folder):
        self.name, self.folder = folder.name, folder
        self.depends, self.extra = set(), {}
        text = (folder / "CMakeLists.txt").read_text()
        for words in calls(text, "add_layer"):
            self.depends |= set(arguments(words).get("DEPENDS", []))
        for words in calls(text, "add_unit_test"):
            call = arguments(words)
            linked = {w[5:] for w in call.get("LIBRARIES", []) if w.startswith("atml_")}
            for source in call.get("SOURCES", []):
                self.extra.setdefault(source, set()).update(linked)

    def allowed(self, path):
        return self.depends | self.extra.get(path.relative_to(self.folder).as_posix(), set()) | {self.name}


def files(folder, kinds):
    return sorted(p for p in folder.rglob("*") if p.suffix in kinds and p.is_file())


def includes(path):
    text = path.read_text(errors="replace")
    return [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)) for m in INCLUDE.finditer(text)]


def check_edges(layers, source_root):
    for layer in layers.values():
        for path in files(layer.folder, SOURCES | HEADERS):
            for line, quote, target in includes(path):
                first = target.split("/")[0]
                if quote != '"' or "/" not in target or not (source_root / first).is_dir():
                    continue
                if not (source_root / target).exists():
                    yield f"{path}:{line}: includes \"{target}\", which does not exist"
                if first not in layer.allowed(path) and target not in VALUES.get(layer.name, set()):
                    yield (f"{path}:{line}: {layer.name} includes \"{target}\", but {first} is not in its DEPENDS "
                           f"({' '.join(sorted(layer.depends)) or 'none'})")


def check_cycles(layers):
    done, path = set(), []

    def visit(name):
        if name in path:
            yield "DEPENDS go round: " + " -> ".join(path[path.index(name):] + [name])
            return
        if name in done or name not in layers:
            return
        path.append(name)
        for other in sorted(layers[name].depends):
            yield from visit(other)
        path.pop()
        done.add(name)

    for name in sorted(layers):
        yield from visit(name)


def third_party(target):
    """The library a <header> belongs to, or None for the language's and the system's."""
    first = target.split("/")[0]
    if first in SYSTEM or first in ANYWHERE or ("/" not in target and not target.endswith((".h", ".hpp"))):
        return None
    return first


def check_owners(layers):
    users = {}
    for layer in layers.values():
        for path in files(layer.folder, SOURCES | HEADERS):
            for line, quote, target in includes(path):
                library = third_party(target) if quote == "<" else None
                if library and layer.name not in SHARED.get(library, set()):
                    users.setdefault(library, {}).setdefault(layer.name, f"{path}:{line}")
    for library, places in sorted(users.items()):
        if len(places) > 1 or library in SHARED:
            where = ", ".join(f"{name} ({place})" for name, place in sorted(places.items()))
            yield f"<{library}> is included by more folders than may: {where}; wrap it in one"


def cmake_texts(path, root):
    folder = path.parent
    while True:
        lists = folder / "CMakeLists.txt"
        if lists.exists():
            yield folder, re.sub(r"#[^\n]*", "", lists.read_text())
        if folder == root:
            return
        folder = folder.parent


def check_targets(root):
    for top in ("src", "tests", "bench", "examples", "emulator"):
        for path in files(root / top, SOURCES):
            if any(path.relative_to(folder).as_posix() in re.split(r"[\s()\"]+", re.sub(r"\$\{CMAKE_CURRENT_SOURCE_DIR\}/", "", text))
                   for folder, text in cmake_texts(path, root)):
                continue
            if standalone(path, root):
                continue
            yield f"{path}: is in no target; name it in the CMakeLists.txt of its folder"


def standalone(path, root):
    """Projects of their own (find_package users, example firmware) bring their own project()."""
    return any(re.search(r"\bproject\s*\(", text) for folder, text in cmake_texts(path, root) if folder != root)


def check_headers(root):
    everything = [p for top in ("src", "include", "tests", "bench", "examples", "emulator", "runtime")
                  for p in files(root / top, SOURCES | HEADERS | {".c", ".S"})]
    named = {target for path in everything for _, _, target in includes(path)}
    suffixes = {Path(target).name for target in named}
    for path in files(root / "src", HEADERS):
        relative = path.relative_to(root / "src").as_posix()
        if relative not in named and path.name not in suffixes:
            yield f"{path}: is included by no file"


def check(root):
    source_root = root / "src"
    layers = {p.parent.name: Layer(p.parent) for p in sorted(source_root.glob("*/CMakeLists.txt"))}
    yield from check_edges(layers, source_root)
    yield from check_cycles(layers)
    yield from check_owners(layers)
    yield from check_targets(root)
    yield from check_headers(root)


def main():
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    breaches = [b.replace(str(root) + "/", "") for b in check(root)]
    for breach in breaches:
        print(breach)
    print(f"{len(breaches)} breaches of the layer rules" if breaches else "the layers keep to their DEPENDS")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
