"""What a fingerprint follows: names through packages, and what statements do besides."""

import pytest

from itcortex.workflow.fingerprint import fingerprint
from itcortex.workflow.statements import PACKAGE

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
    before = [fingerprint(rule, scripts) for rule in ("one", "two")]
    (folder / "report.html").write_bytes(b"\xff<b>")
    after = [fingerprint(rule, scripts) for rule in ("one", "two")]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_modules_that_a_script_imports_beside_itself_count(scripts):
    (scripts / "one.py").write_text("import two\n")
    before = fingerprint("one", scripts)
    (scripts / "itcortex" / "c.py").write_text("X = 'y'\n")
    assert fingerprint("one", scripts) != before
