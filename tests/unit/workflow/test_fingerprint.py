"""Fingerprints change with meaning, follow imports, and ignore what cannot matter."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from itcortex.workflow.fingerprint import SCRIPTS, fingerprint
from itcortex.workflow.statements import PACKAGE
from itcortex.workflow.syntax import canonical


@pytest.fixture
def scripts(tmp_path):
    """Two rules: `one` imports a (which imports b inside a function), `two` imports c."""
    package = tmp_path / "itcortex"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (tmp_path / "one.py").write_text(
        '"""Doc."""\nfrom itcortex import a\n\n\ndef main():\n    a.go()\n'
    )
    (tmp_path / "two.py").write_text("import itcortex.c\n")
    (package / "a.py").write_text("def go():\n    from itcortex.b import VALUE\n    return VALUE\n")
    (package / "b.py").write_text("VALUE = 1\n")
    (package / "c.py").write_text("X = 'x'\n")
    (package / "sub").mkdir()
    (package / "sub" / "__init__.py").write_text("")
    return tmp_path


def both(scripts):
    return fingerprint("one", scripts), fingerprint("two", scripts)


@pytest.mark.parametrize(
    ("file", "text", "changed"),
    [
        ("itcortex/b.py", "VALUE = 2\n", (True, False)),
        ("itcortex/c.py", "X = 'y'\n", (False, True)),
        ("itcortex/__init__.py", "FLAG = 1\n", (True, True)),
        ("itcortex/b.py", '"""A docstring."""\n\n# a comment\nVALUE    =  1\n', (False, False)),
        ("itcortex/a.py", 'def go():\n    """New."""\n    from itcortex.b import VALUE\n'
         "    return (VALUE)\n", (False, False)),
        ("one.py", "from itcortex import a\n\n\ndef main():\n    a.go()\n    a.go()\n", (True, False)),
        ("itcortex/unused.py", "Y = 1\n", (False, False)),
        ("itcortex/c_template.html", "<p>", (False, True)),
    ],
)  # fmt: skip
def test_exactly_the_rules_that_import_a_change_see_it(scripts, file, text, changed):
    before = both(scripts)
    (scripts / file).write_text(text)
    after = both(scripts)
    assert tuple(a != b for a, b in zip(before, after, strict=True)) == changed


LIBRARY = """\
import logging

from itcortex import b

LIMIT = 3
KNOWN = {}


def used():
    return inner() + LIMIT


def inner():
    return b.VALUE


def unused():
    return 0


class Shape:
    def area(self):
        return 1
"""


@pytest.mark.parametrize(
    ("script", "old", "new", "changed"),
    [
        ("from itcortex import a\na.used()", "return 0", "return 9", False),
        ("from itcortex import a\na.used()", "LIMIT = 3", "LIMIT = 4", True),
        ("from itcortex import a\na.used()", "return b.VALUE", "return -b.VALUE", True),
        ("from itcortex.a import used\nused()", "return b.VALUE", "return -b.VALUE", True),
        ("from itcortex.a import used as f\nf()", "LIMIT = 3", "LIMIT = 4", True),
        ("from itcortex.a import used as f\nf()", "return 1", "return 2", False),
        ("from itcortex.a import Shape\nShape()", "return 1", "return 2", True),
        ("from itcortex import a\nprint(vars(a))", "return 0", "return 9", True),  # as a whole
        ("from itcortex import a\ngetattr(a, 'unused')()", "return 0", "return 9", True),
        ("import itcortex.a\nitcortex.a.used()", "return 0", "return 9", True),
        (
            "from itcortex import a\na.used()",
            "KNOWN = {}",
            "KNOWN = {}\nlogging.basicConfig()",
            True,
        ),
        ("from itcortex import a\na.used()", "def unused", "@inner\ndef unused", True),  # registers
        ("from itcortex import a\na.used()", "import logging", "import logging, os", True),
        ("def f():\n    from itcortex import a\n    a.used()", "LIMIT = 3", "LIMIT = 4", True),
        ("from itcortex import a\na.gone()", "return 0", "return 9", True),  # cannot be told
    ],
)
def test_only_what_a_script_reaches_of_a_module_counts(scripts, script, old, new, changed):
    (scripts / "one.py").write_text(f"{script}\n")
    (scripts / "itcortex" / "a.py").write_text(LIBRARY)
    before = fingerprint("one", scripts)
    assert old in LIBRARY
    (scripts / "itcortex" / "a.py").write_text(LIBRARY.replace(old, new))
    assert (fingerprint("one", scripts) != before) == changed


def test_names_handed_on_by_a_module_are_followed_to_their_source(scripts):
    (scripts / "itcortex" / "a.py").write_text("from itcortex.b import VALUE\n")
    (scripts / "one.py").write_text("from itcortex.a import VALUE\nprint(VALUE)\n")
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "b.py").write_text("VALUE = 2\n")
    assert fingerprint("one", scripts) != before


def test_of_names_handed_on_together_only_those_in_use_count(scripts):
    """`store` hands on what the modules of tables and of activations define."""
    (scripts / "itcortex" / "b.py").write_text("VALUE = 1\nOTHER = 1\n")
    (scripts / "itcortex" / "a.py").write_text("from itcortex.b import OTHER, VALUE\n")
    (scripts / "one.py").write_text("from itcortex import a\nprint(a.VALUE)\n")
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "b.py").write_text(
        "VALUE = 1\nOTHER = 2\n\n\ndef new():\n    return 1\n"
    )
    assert fingerprint("one", scripts) == before
    (scripts / "itcortex" / "b.py").write_text("VALUE = 2\nOTHER = 1\n")
    assert fingerprint("one", scripts) != before


def test_what_a_module_does_when_it_is_imported_counts(scripts):
    (scripts / "itcortex" / "a.py").write_text("import itcortex.b\n\n\ndef go():\n    return 1\n")
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "b.py").write_text("VALUE = 1\nprint(VALUE)\n")
    assert fingerprint("one", scripts) != before


def test_logs_and_messages_are_no_reason_to_run_again(scripts):
    (scripts / "itcortex" / "running").mkdir()
    (scripts / "itcortex" / "running" / "__init__.py").write_text("")
    (scripts / "itcortex" / "running" / "progress.py").write_text("WIDTH = 1\n")
    (scripts / "one.py").write_text(
        "from itcortex.running import progress\nprint(progress.WIDTH)\n"
    )
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "running" / "progress.py").write_text("WIDTH = 2\n")
    assert fingerprint("one", scripts) == before


def test_a_revert_brings_the_old_fingerprint_back(scripts):
    before = both(scripts)
    (scripts / "itcortex" / "b.py").write_text("VALUE = 3\n")
    assert both(scripts) != before
    (scripts / "itcortex" / "b.py").write_text("VALUE = 1\n")
    assert both(scripts) == before


def test_modules_of_subpackages_are_followed(scripts):
    (scripts / "itcortex" / "sub" / "deep.py").write_text("Z = 1\n")
    (scripts / "two.py").write_text("from itcortex.sub import deep\n\nprint(deep.Z)\n")
    before = both(scripts)
    (scripts / "itcortex" / "sub" / "deep.py").write_text("Z = 2\n")
    assert both(scripts)[1] != before[1]


def test_imports_in_a_circle_end(scripts):
    (scripts / "itcortex" / "b.py").write_text("import itcortex.a\nVALUE = 1\n")
    assert len(fingerprint("one", scripts)) == 16


def test_relative_imports_are_refused_because_they_would_not_be_followed(scripts):
    (scripts / "itcortex" / "a.py").write_text("from . import b\n")
    with pytest.raises(ValueError, match=r"a\.py:1: relative import"):
        fingerprint("one", scripts)


def test_every_script_of_the_project_has_a_fingerprint():
    rules = [path.stem for path in SCRIPTS.glob("*.py")]
    assert len(rules) > 5
    assert len({fingerprint(rule) for rule in rules}) == len(rules)


# --- names that packages hand on ------------------------------------------------------------------

STORE = {
    "itcortex/store/__init__.py": (
        '"""What we keep."""\nfrom itcortex.store.arrays import read_recording\n'
        "from itcortex.store.inner import read_table\n"
    ),
    "itcortex/store/arrays.py": (
        "def read_recording():\n    return 'recording'\n\n\ndef arrays_only():\n    return 'only'\n"
    ),
    "itcortex/store/inner/__init__.py": "from itcortex.store.inner.tables import read_table\n",
    "itcortex/store/inner/tables.py": (
        "SEPARATOR = 'separator'\n\n\ndef read_table():\n    return SEPARATOR\n\n\n"
        "def write_table():\n    return 'write'\n"
    ),
    "itcortex/store/orphan.py": "LONELY = 'lonely'\n",
    "itcortex/tool.py": "def use(package):\n    return package\n",
}  # fmt: skip

#: what a change of each value below is seen by
RECORDING, ONLY, TABLE, WRITE, LONELY = (
    "'recording'",
    "'only'",
    "'separator'",
    "'write'",
    "'lonely'",
)
EVERYTHING = {RECORDING, ONLY, TABLE, WRITE, LONELY}


@pytest.fixture
def store(scripts):
    for name, text in STORE.items():
        (scripts / name).parent.mkdir(parents=True, exist_ok=True)
        (scripts / name).write_text(text)
    return scripts


def seen(scripts):
    """Values of STORE whose change changes the fingerprint of rule `one`."""
    before, found = fingerprint("one", scripts), set()
    for name in filter(lambda name: (scripts / name).exists(), STORE):
        text = (scripts / name).read_text()
        for value in EVERYTHING:
            if value in text:
                (scripts / name).write_text(text.replace(value, "'another'"))
                found |= {value} if fingerprint("one", scripts) != before else set()
        (scripts / name).write_text(text)
    assert fingerprint("one", scripts) == before
    return found


@pytest.mark.parametrize(
    ("script", "values"),
    [
        ("from itcortex import store\nstore.read_table()", {TABLE}),
        ("from itcortex import store\nstore.read_recording()", {RECORDING}),
        ("from itcortex.store import read_table\nread_table()", {TABLE}),
        ("from itcortex.store import read_table as r\nr()", {TABLE}),
        ("from itcortex import store as s\ns.read_recording()", {RECORDING}),
        ("import itcortex.store\nitcortex.store.read_table()", {TABLE}),
        ("import itcortex.store as s\ns.read_table()", {TABLE}),
        ("import itcortex.store", set()),
        ("from itcortex import store", set()),
        ("def f():\n    from itcortex.store import read_table\n    read_table()", {TABLE}),
        ("def f():\n    import itcortex.store\n    itcortex.store.read_recording()", {RECORDING}),
        ("from itcortex import store\nstore.arrays.read_recording()", {RECORDING}),
        ("from itcortex.store import arrays\narrays.arrays_only()", {ONLY}),
        ("from itcortex.store.arrays import arrays_only as a\na()", {ONLY}),
        ("from itcortex import store\nstore.inner.read_table()", {TABLE}),
        ("from itcortex import store\nstore.inner.tables.write_table()", {WRITE}),
        ("from itcortex.store.inner import tables\nprint(tables)", {TABLE, WRITE}),
        ("import itcortex.store.inner.tables", {TABLE, WRITE}),  # a plain import of a module
        # handed round, or a name that cannot be told: everything
        ("from itcortex import store\ngetattr(store, name)()", EVERYTHING),
        ("from itcortex import store, tool\ntool.use(store).read_table()", EVERYTHING),
        ("from itcortex import store\nkept = store\nkept.read_table()", EVERYTHING),
        ("from itcortex.store import inner\nprint(vars(inner))", {TABLE, WRITE}),
        ("from itcortex import store\nstore.gone()", EVERYTHING),
        ("from itcortex.store import gone\ngone()", EVERYTHING),
        ("from itcortex import store\nstore.inner.gone()", {TABLE, WRITE}),
        ("import itcortex\nprint(itcortex)", EVERYTHING),
        ("import itcortex.store\nprint(itcortex.store)", EVERYTHING),
        # by text
        ("import importlib\nimportlib.import_module('itcortex.store.arrays')", {RECORDING, ONLY}),
        ("import importlib\nimportlib.import_module('itcortex.store')", EVERYTHING),
        ("import importlib\nimportlib.import_module(f'itcortex.store.{name}')", EVERYTHING),
        ("import importlib\nimportlib.import_module('itcortex.' + name)", EVERYTHING),
        # imports that not every run makes, or that are made for others
        ("try:\n    from itcortex.store import read_table\nexcept ImportError:\n"
         "    read_table = None\n\n\ndef main():\n    read_table()", {TABLE}),
        ("def f(x):\n    if x:\n        from itcortex.store import read_table as r\n    else:\n"
         "        from itcortex.store import read_recording as r\n    r()", {TABLE, RECORDING}),
        ("from itcortex.store import read_table as r\n\n\nclass A:\n    def f(self):\n"
         "        from itcortex.store import read_recording as r\n        r()\n\n"
         "    def g(self):\n        r()", {TABLE, RECORDING}),
        ("class A:\n    from itcortex.store import read_table\n\n\nA.read_table()", {TABLE}),
    ],
)  # fmt: skip
def test_a_name_is_followed_through_packages(store, script, values):
    (store / "one.py").write_text(f"{script}\n")
    assert seen(store) == values


def test_a_module_in_between_hands_on_a_package(store):
    (store / "itcortex" / "a.py").write_text("from itcortex import store\n")
    (store / "one.py").write_text("from itcortex import a\na.store.read_table()\n")
    assert seen(store) == {TABLE}
    (store / "one.py").write_text("from itcortex import a\nprint(a)\n")
    assert seen(store) == EVERYTHING


def test_a_function_may_hide_the_module_of_its_name(store):
    """`from itcortex.store.arrays import arrays` in `__init__`: `store.arrays` is the function."""
    init, arrays = store / "itcortex/store/__init__.py", store / "itcortex/store/arrays.py"
    arrays.write_text(arrays.read_text() + "\n\ndef arrays():\n    return read_recording()\n")
    init.write_text(init.read_text() + "from itcortex.store.arrays import arrays\n")
    (store / "one.py").write_text("from itcortex.store import arrays\narrays()\n")
    assert seen(store) == {RECORDING}
    (store / "one.py").write_text("from itcortex.store.arrays import arrays_only\narrays_only()\n")
    assert ONLY in seen(store)


def test_a_name_that_may_be_a_module_or_a_function_of_another_module_counts_as_both(store):
    """Which of them `store.arrays` is depends on who has imported the module before."""
    init = store / "itcortex/store/__init__.py"
    init.write_text("from itcortex.store.inner import read_table as arrays\n")
    (store / "one.py").write_text("from itcortex.store import arrays\narrays()\n")
    assert seen(store) == {TABLE, RECORDING, ONLY}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("store/__init__.py", "What we keep", "Another docstring", False),
        ("store/arrays.py", "def arrays_only", "def new():\n    pass\n\n\ndef arrays_only", False),
        ("store/arrays.py", "def arrays_only", "print(1)\n\n\ndef arrays_only", True),
        ("store/arrays.py", "def arrays_only", "import numpy\n\n\ndef arrays_only", True),
        ("store/inner/tables.py", "def write_table", "@read_table\ndef write_table", True),
        ("store/__init__.py", "import read_recording", "import arrays_only, read_recording", False),
        ("store/__init__.py", "import read_recording", "import arrays_only as read_recording", False),
        ("store/__init__.py", "import read_table", "import read_table\nprint(1)", True),
        ("store/__init__.py", "import read_table", "import read_table\nFLAG = 1", True),
        ("store/__init__.py", "import read_table", "import read_table\n__all__ = []", False),
        ("store/__init__.py", "import read_table", "import read_table\n\n\ndef f(): ...", False),
        ("store/__init__.py", "import read_table",
         "import read_table\nimport itcortex.store.orphan", True),
        ("store/__init__.py", "import read_table", "import read_table\nimport math", True),
    ],
)  # fmt: skip
def test_of_a_package_what_it_does_on_import_counts_and_its_unused_names_do_not(
    store, file, old, new, changed
):
    (store / "one.py").write_text("from itcortex.store import read_table\nread_table()\n")
    before, path = fingerprint("one", store), store / "itcortex" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert (fingerprint("one", store) != before) == changed


def test_swapped_names_and_swapped_imports_are_seen(store):
    """Both names are used before and after; both modules run before and after."""
    init = store / "itcortex/store/__init__.py"
    (store / "one.py").write_text("from itcortex.store import x, y\nprint(x, y)\n")
    init.write_text("from itcortex.store.arrays import read_recording as x, arrays_only as y\n")
    before = fingerprint("one", store)
    init.write_text("from itcortex.store.arrays import read_recording as y, arrays_only as x\n")
    assert fingerprint("one", store) != before
    lines = ["from itcortex.store.arrays import read_recording\n",
             "from itcortex.store.orphan import LONELY\n"]  # fmt: skip
    (store / "one.py").write_text("import itcortex.store\n")
    init.write_text("".join(lines))
    before = fingerprint("one", store)
    init.write_text("".join(reversed(lines)))
    assert fingerprint("one", store) != before


def test_a_folder_without_init_is_followed_too(store):
    (store / "itcortex/store/inner/__init__.py").unlink()
    (store / "itcortex/store/__init__.py").unlink()
    (store / "one.py").write_text("from itcortex.store.inner import tables\ntables.read_table()\n")
    assert seen(store) == {TABLE}


def test_an_import_of_everything_is_refused(store):
    (store / "itcortex/store/__init__.py").write_text("from itcortex.store.arrays import *\n")
    (store / "one.py").write_text("from itcortex import store\n")
    with pytest.raises(ValueError, match=r"__init__\.py:1: import of \*; name what is used"):
        fingerprint("one", store)


@pytest.mark.parametrize(
    "file", ["errors.py", "running/devices.py", "running/deep/er.py", "running/__init__.py"]
)
def test_plumbing_may_be_a_file_or_a_folder(scripts, file):
    path = scripts / PACKAGE / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("X = 1\nprint(X)\n")
    name = f"{PACKAGE}/{file}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    (scripts / "one.py").write_text(f"import {name}\n")
    before = fingerprint("one", scripts)
    path.write_text("X = 2\nprint(-X)\n")
    assert fingerprint("one", scripts) == before


@pytest.mark.parametrize("file", ["sub/errors.py", "running_mean.py", "errors_of_fits.py"])
def test_what_only_has_a_name_like_plumbing_counts(scripts, file):
    (scripts / PACKAGE / file).write_text("X = 1\n")
    name = f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}"
    (scripts / "one.py").write_text(f"import {name}\n")
    before = fingerprint("one", scripts)
    (scripts / PACKAGE / file).write_text("X = 2\n")
    assert fingerprint("one", scripts) != before


@pytest.mark.parametrize(
    "addition",
    [
        "class New(Base):\n    pass",  # Base is told
        "class Another:\n    KNOWN['another'] = 1",
        "class Another:\n    @register\n    def f(self): ...",
        "@atexit.register\ndef new(): ...",
        "_ = (LIMIT := 2)",
        "NEW = KNOWN.setdefault('new', 1)",
        "KNOWN['new'] = 1",
        "for name in 'ab':\n    KNOWN[name] = 1",
    ],
)
def test_unused_definitions_that_change_something_else_count(scripts, addition):
    text = (
        "import atexit\n\nKNOWN = {}\nLIMIT = 1\n\n\nclass Base:\n"
        "    def __init_subclass__(cls):\n        KNOWN[cls.__name__] = cls\n\n\n"
        "def register(f):\n    KNOWN[f.__name__] = f\n    return f\n\n\n"
        "def go():\n    return KNOWN, LIMIT\n\n\n"
    )
    (scripts / "itcortex" / "a.py").write_text(text)
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "a.py").write_text(f"{text}{addition}\n")
    assert fingerprint("one", scripts) != before


@pytest.mark.parametrize(
    "addition",
    [
        "@dataclass(frozen=True)\nclass New:\n    x: int = 1\n\n    @property\n    def y(self): ...",
        "@cache\ndef new(): ...",
        "@functools.lru_cache\ndef new(): ...",
        "NEW = tuple(str(x) for x in 'ab')",
        "class New(Exception):\n    pass",
        "'''A text alone.'''",
    ],
)
def test_unused_definitions_that_change_nothing_do_not(scripts, addition):
    text = (
        "import functools\nfrom dataclasses import dataclass\nfrom functools import cache\n\n\n"
        "def go():\n    return 1\n\n\n"
    )
    (scripts / "itcortex" / "a.py").write_text(text)
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "a.py").write_text(f"{text}{addition}\n")
    assert fingerprint("one", scripts) == before


def test_files_that_code_names_count_wherever_they_lie_in_the_package(scripts):
    folder = scripts / "itcortex" / "sub" / "pages"
    folder.mkdir()
    (folder / "report.html").write_bytes(b"\xff<p>")  # not text
    (scripts / "itcortex" / "b.py").write_text(
        "from pathlib import Path\n\nVALUE = Path(__file__).parent / 'sub/pages/report.html'\n"
    )
    before = both(scripts)
    (folder / "report.html").write_bytes(b"\xff<b>")
    after = both(scripts)
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_modules_that_a_script_imports_beside_itself_count(scripts):
    (scripts / "one.py").write_text("import two\n")
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "c.py").write_text("X = 'y'\n")
    assert fingerprint("one", scripts) != before


# --- the meaning of a syntax tree, in all versions of Python --------------------------------------

#: Code and the first digits of its key, in every version of Python.
GOLDEN = {
    "f'{a}'": "4a51ac2d3f67",
    "f'{a:}'": "4a51ac2d3f67",
    "f'a{b}c' 'd' f'{e}'": "653d78c99442",
    "f'{a!r:>{width}.{digits}f}|{b:%Y-%m}'": "f67ef182ebd5",
    "f'{a=} {b = !s:^9}'": "c64f90349769",
    """f"{d['key']}{'x' if a else 'y'}" """: "910a84120638",
    "f'{{{a}}}' r'\\d' '\\u00e9\\N{BULLET}'": "8899b66333f8",
    "f'''{\na\n}'''": "4a51ac2d3f67",
    "f'{f\"{a}\"}{(lambda x: x)(1)}{a != b}{a:{b!r}}'": "19bfffd7b607",
    "'a' 'b'": "b5999633d806",
    "u'ab'": "b5999633d806",
    "b'a\\x00\\xff'": "b5999633d806",
    "'\U0001fae8'": "b5999633d806",  # a character that Unicode 15 brought
    "x = 1, 1.0, True, None, ..., 1j, 1e400, -0.0, 0x10, 1_000, 1e-7": "4fd420f533a4",
    f"x = 0x{'f' * 5000}": "0229375bba71",
    "if (n := len(a)) > 3: pass": "17e29217c06b",
    "match a:\n    case 1 | 'x' | None | True | -1.5 | 1+2j: pass\n"
    "    case [x, *_, y] if x: pass\n    case {'k': v, **rest}: pass\n"
    "    case Point(1, y=q.r) as p: pass\n    case _: pass": "0b2dc573b7df",
    "@a.b(c)\n@d\nclass A(B, metaclass=C):\n    x: int = 1\n    (y): int\n"
    "    def f(self): 'doc'": "1befa3483074",
    "async def f():\n    async with a as b, c: await d\n    async for x in y: yield x\n"
    "    else: return\n    return [i async for i in j if await k]": "9294e0e6938e",
    "lambda a, /, b=1, *c, d, e=2, **f: (a, b)": "fbbf7b73e53f",
    "def f(a: int, /, b: 'str' = '', *args: *T, c, d=(1,), **k) -> None: ...": "30f0ef715d1c",
    "a, *b = [*c, *d]; f(*a, **b, k=1); {**a, 'b': 1}; {*a}": "a9dda3d1bc06",
    "a[1:2, ::3, ..., -1]; a[b]; a[*c]": "5da936af98d3",
    "{x for x in y if x if z for w in x}; {k: v for k, v in d}; (i for i in j)": "58aee91f6184",
    "def f():\n    global a, b\n    def g():\n        nonlocal c\n        c = a": "70b706ac6e09",
    "try: a\nexcept* ValueError as e: b\nexcept* (A, B): raise C from e\nfinally: pass": "3eb64389da33",
    "try: a\nexcept ValueError: raise\nexcept: b\nelse: c\nfinally: d": "f250bae2d4f8",
    "with (open(a) as b, c): pass": "95c49c23e112",
    "while a:\n    break\nelse: pass\nfor x, y in z:\n    continue": "0bb5945cfd21",
    "import a.b as c, d\nfrom e import f as g, h": "039a213fdd72",
    "a += 1; b @= c; del d, e[0]; assert f, 'no'": "3271b42f01df",
    "a if b else c; not a; a and b or c; a < b <= c is not d not in e; ~a ** -b // c": "50f60c026030",
    "x: 'list[int]'\ny: list[int] = []": "4c626693f745",
}


def key_of(code):
    return hashlib.sha256(canonical(ast.parse(code)).encode()).hexdigest()[:12]


@pytest.mark.parametrize(("code", "key"), GOLDEN.items())
def test_the_key_of_a_construct_stays(code, key):
    assert key_of(code) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 0.0", "x = -0.0"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("x = ...", "x = 'Ellipsis'"),
        ("x = 1j", "x = 1"),
        ("f'{a}'", "'{a}'"),
        ("f'{a!r}'", "f'{a!s}'"),
        ("f'{a:3}'", "f'{a:4}'"),
        ("f'{a}{b}'", "f'{b}{a}'"),
        ("f'{a} {b}'", "f'{a}{b} '"),
        ("def f(a, /): g", "def f(a): g"),
        ("def f(*, a): g", "def f(a): g"),
        ("def f(a=1, b=2): g", "def f(a=2, b=1): g"),
        ("x: int", "(x): int"),
        ("{**a, 'b': 1}", "{'b': 1, **a}"),
        ("[x async for x in y]", "[x for x in y]"),
        ("a[1:]", "a[:1]"),
        ("match a:\n    case None: b", "match a:\n    case _: b"),
        ("try: a\nexcept A: b", "try: a\nexcept* A: b"),
        ("import a as b", "import b as a"),
        ("if a: b", "if a: pass\nelse: b"),
        ("x = ['a,', 'b']", "x = ['a', ',b']"),
        ("f(a, b)", "f(a, b=b)"),
        ("global a", "nonlocal a"),
    ],
)
def test_another_meaning_has_another_key(one, other):
    assert key_of(one) != key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = ('a'  # why\n  'b')", 'x = "ab"'),
        ("x = f'a' 'b'", "x = 'ab'"),
        ("f'{a}' f'{b}c'", "f'{a}{b}' 'c'"),
        ("f'{a:}'", "f'{a}'"),
        ("x = u'a'", "x = 'a'"),
        ("x = 0x10", "x = 16"),
        ("x = (1)", "x = 1"),
        ("def f():\n    'doc'\n    return 1", "def f(): return 1"),
        ("class A(B):\n    'doc'", "class A(B): pass"),
        ("with (a, b): c", "with a, b: c"),
    ],
)
def test_the_same_meaning_has_the_same_key(one, other):
    assert key_of(one) == key_of(other)


#: Prints keys of code and fingerprints of rules; the modules need the standard library alone.
ELSEWHERE = """
import ast, hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from itcortex.workflow.fingerprint import fingerprint
from itcortex.workflow.syntax import canonical
asked = json.load(sys.stdin)
key = lambda code: hashlib.sha256(canonical(ast.parse(code)).encode()).hexdigest()[:12]
print(json.dumps([[key(c) for c in asked["codes"]],
                  {rule: fingerprint(rule) for rule in asked["rules"]}]))
"""


@pytest.mark.process
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_makes_the_same_fingerprints(version):
    python = shutil.which(f"python{version}")
    # a version manager's stand-in runs once it is told which version is meant; others do not look
    environment = {**os.environ, "PYENV_VERSION": version}
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    runs = python and subprocess.run(
        asked, env=environment, capture_output=True, text=True, check=False
    )
    if not runs or runs.stdout.strip() != version:
        pytest.skip(f"no Python {version} here")
    rules = sorted(path.stem for path in SCRIPTS.glob("*.py"))
    answer = subprocess.run(
        [python, "-I", "-c", ELSEWHERE, str(SCRIPTS)],
        env=environment, input=json.dumps({"codes": list(GOLDEN), "rules": rules}),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    keys, fingerprints = json.loads(answer.stdout)
    assert dict(zip(GOLDEN, keys, strict=True)) == GOLDEN
    assert fingerprints == {rule: fingerprint(rule) for rule in rules}


@pytest.mark.parametrize("name", ["fingerprint", "statements", "syntax"])
def test_the_modules_need_the_standard_library_alone(name):
    path = SCRIPTS / "itcortex" / "workflow" / f"{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imports}
    ours = {name for name in names if name.startswith("itcortex.workflow.")}
    assert ours <= {"itcortex.workflow.statements", "itcortex.workflow.syntax"}
    assert {name.partition(".")[0] for name in names - ours} <= sys.stdlib_module_names
