"""Fingerprints change with meaning, follow imports, and ignore what cannot matter."""

import pytest

from itcortex.workflow.fingerprint import SCRIPTS, fingerprint


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
