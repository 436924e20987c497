#!/usr/bin/env python3
"""check_layers.py finds each kind of breach in a small made-up tree, and nothing in a clean one."""
import tempfile
import unittest
from pathlib import Path

import check_layers

CLEAN = {
    "CMakeLists.txt": "project(x)\nadd_subdirectory(src/base)\n",
    "src/base/CMakeLists.txt": "add_layer(base SOURCES a.cpp  # the first\n LIBRARIES fmt::fmt TESTS a_test.cpp)\n",
    "src/base/a.h": "#pragma once\n#include <vector>\n#include <fmt/format.h>\n",
    "src/base/a.cpp": '#include "base/a.h"\n#include <zlib.h>\n#include <unistd.h>\n',
    "src/base/a_test.cpp": '#include "base/a.h"\n#include <gtest/gtest.h>\n',
    "src/data/CMakeLists.txt": "add_layer(data DEPENDS base SOURCES b.cpp)\nadd_unit_test(slow SOURCES s_test.cpp LIBRARIES atml_data atml_train)\n",
    "src/data/b.cpp": '#include "base/a.h"\n',
    "src/data/s_test.cpp": '#include "train/t.h"\n',
    "src/train/CMakeLists.txt": "set(d base)\nif(X)\nlist(APPEND d data)\nendif()\nadd_layer(train DEPENDS ${d} SOURCES t.cpp)\n",
    "src/train/t.h": "#pragma once\n#include <hwy/highway.h>\n",
    "src/train/t.cpp": '#include "train/t.h"\n#include "data/d.h"\n',
    "src/data/d.h": "#pragma once\n",
}


class CheckLayers(unittest.TestCase):
    def breaches(self, changes=None):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for path, text in {**CLEAN, **(changes or {})}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return [b.replace(str(root) + "/", "") for b in check_layers.check(root)]

    def test_a_clean_tree_has_none(self):
        self.assertEqual(self.breaches(), [])

    def test_an_unlisted_edge(self):
        self.assertEqual(
            self.breaches({"src/data/b.cpp": '#include "base/a.h"\n\n  # include "train/t.h"\n'}),
            ['src/data/b.cpp:3: data includes "train/t.h", but train is not in its DEPENDS (base)'])

    def test_an_include_that_leads_nowhere(self):
        self.assertEqual(self.breaches({"src/data/b.cpp": '#include "base/none.h"\n#include "base/a.h"\n'}),
                         ['src/data/b.cpp:1: includes "base/none.h", which does not exist'])

    def test_a_cycle(self):
        found = self.breaches({"src/data/CMakeLists.txt": CLEAN["src/data/CMakeLists.txt"].replace("DEPENDS base", "DEPENDS base train")})
        self.assertEqual(found, ["DEPENDS go round: data -> train -> data"])

    def test_a_library_in_two_folders(self):
        self.assertEqual(
            self.breaches({"src/data/b.cpp": "#include <zlib.h>\n"}),
            ["<zlib.h> is included by more folders than may: base (src/base/a.cpp:2), data (src/data/b.cpp:1); wrap it in one"])

    def test_a_shared_library_in_a_third_folder(self):
        self.assertEqual(
            self.breaches({"src/data/b.cpp": "#include <hwy/highway.h>\n"}),
            ["<hwy> is included by more folders than may: data (src/data/b.cpp:1); wrap it in one"])

    def test_a_source_in_no_target(self):
        self.assertEqual(self.breaches({"src/data/c_test.cpp": "", "src/data/CMakeLists.txt": CLEAN["src/data/CMakeLists.txt"] + "# c_test.cpp\n"}),
                         ["src/data/c_test.cpp: is in no target; name it in the CMakeLists.txt of its folder"])

    def test_a_header_that_nobody_includes(self):
        self.assertEqual(self.breaches({"src/data/lost.h": "#pragma once\n"}), ["src/data/lost.h: is included by no file"])


if __name__ == "__main__":
    unittest.main()
