"""Kept fingerprints are those that would be made now; a changed file of any kind makes them anew."""

import json

import pytest

from itcortex.workflow import kept_fingerprints
from itcortex.workflow.fingerprint import fingerprint
from itcortex.workflow.kept_fingerprints import kept_fingerprint, state_of


@pytest.fixture
def code(tmp_path):
    """A script, a module that it uses, and a file beside that."""
    scripts = tmp_path / "scripts"
    (scripts / "itcortex").mkdir(parents=True)
    (scripts / "work.py").write_text("from itcortex.part import f\nf()\n")
    (scripts / "itcortex" / "part.py").write_text("def f():\n    return 1\n")
    (scripts / "itcortex" / "part_page.html").write_text("one")
    return scripts


@pytest.fixture
def ask(code, tmp_path, monkeypatch):
    """Ask as a new process does; how often a fingerprint was made is in `ask.made`."""
    kept = tmp_path / "new" / "fingerprints.json"

    def counted(rule, scripts):
        function.made += 1
        return fingerprint(rule, scripts)

    def function(rule="work"):
        return kept_fingerprint(rule, code, kept, state_of(code))

    function.made, function.kept = 0, kept
    monkeypatch.setattr(kept_fingerprints, "fingerprint", counted)
    return function


def test_the_second_process_reads_what_the_first_made(ask, code):
    assert ask() == ask() == fingerprint("work", code)
    assert ask.made == 1


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("work.py", "f()", "f(2)"),
        ("itcortex/part.py", "return 1", "return 2"),
        ("itcortex/part_page.html", "one", "two"),
    ],
)
def test_a_changed_file_is_seen(ask, code, file, old, new):
    before = ask()
    path = code / file
    path.write_text(path.read_text().replace(old, new))
    assert ask() == fingerprint("work", code) != before
    assert ask.made == 2


def test_a_new_and_a_lost_file_are_another_state(code):
    before = state_of(code)
    (code / "itcortex" / "other.py").write_text("")
    assert state_of(code) != before
    (code / "itcortex" / "other.py").unlink()
    assert state_of(code) == before
    (code / "itcortex" / "__pycache__").mkdir()
    (code / "itcortex" / "__pycache__" / "part.pyc").write_bytes(b"0")
    assert state_of(code) == before


def test_one_more_rule_is_added_to_those_that_are_kept(ask, code):
    (code / "more.py").write_text("1\n")
    found = {rule: ask(rule) for rule in ("work", "more")}
    assert json.loads(ask.kept.read_text())["rules"] == found


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"code": 1}', "null"])
def test_what_cannot_be_read_is_made_anew(ask, content):
    found = ask()
    ask.kept.write_text(content)
    assert ask() == found and ask.made == 2


def test_without_a_place_to_keep_it_it_is_made_every_time(ask):
    ask.kept.parent.write_text("a file where the folder should be")
    assert ask() == ask() and ask.made == 2
