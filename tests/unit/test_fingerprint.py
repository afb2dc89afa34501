"""Fingerprints change with meaning, follow imports, and ignore what cannot matter."""

import pytest

from itcortex.fingerprint import SCRIPTS, fingerprint


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


def test_a_revert_brings_the_old_fingerprint_back(scripts):
    before = both(scripts)
    (scripts / "itcortex" / "b.py").write_text("VALUE = 3\n")
    assert both(scripts) != before
    (scripts / "itcortex" / "b.py").write_text("VALUE = 1\n")
    assert both(scripts) == before


def test_modules_of_subpackages_are_followed(scripts):
    (scripts / "itcortex" / "sub" / "deep.py").write_text("Z = 1\n")
    (scripts / "two.py").write_text("from itcortex.sub import deep\n")
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
