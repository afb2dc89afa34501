"""Own files are known by their content; they are read again only when they were written to."""

import os

import pytest
from PIL import Image

from itcortex.workflow import local_files
from itcortex.workflow.local_files import digest_of, kept_digest


def write(path, content, seconds_ago=100):
    """A file that was written some time ago."""
    path.write_bytes(content)
    when = path.stat().st_mtime - seconds_ago
    os.utime(path, (when, when))


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "kept" / "digests.json"


def test_a_file_is_read_again_when_it_was_written_to(tmp_path, kept, monkeypatch):
    path = tmp_path / "r.csv"
    write(path, b"a")
    first = kept_digest(path, kept)
    assert first == digest_of(path)
    monkeypatch.setattr(local_files, "digest_of", lambda _: pytest.fail("it was read again"))
    assert kept_digest(path, kept) == first
    monkeypatch.undo()
    write(path, b"b", seconds_ago=50)
    assert kept_digest(path, kept) == digest_of(path) != first
    write(path, b"a", seconds_ago=20)  # another time, the same content
    assert kept_digest(path, kept) == first


def test_a_file_that_was_written_just_now_is_not_kept(tmp_path, kept):
    (tmp_path / "r.csv").write_bytes(b"a")
    kept_digest(tmp_path / "r.csv", kept)
    assert not kept.exists()


def test_of_a_folder_pictures_count_and_nothing_else(tmp_path, kept):
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name, grey in (("a.png", 1), ("more/b.png", 2)):
        Image.new("L", (16, 16), grey).save(folder / name)
    before = kept_digest(folder, kept)
    (folder / "notes.txt").write_text("x")
    assert kept_digest(folder, kept) == before
    Image.new("L", (16, 16), 3).save(folder / "more" / "b.png")
    changed = kept_digest(folder, kept)
    assert changed != before
    (folder / "more" / "b.png").rename(folder / "c.png")
    assert kept_digest(folder, kept) not in (before, changed)


def test_a_damaged_note_of_digests_is_made_anew(tmp_path, kept):
    write(tmp_path / "r.csv", b"a")
    kept.parent.mkdir()
    kept.write_text("[")
    assert kept_digest(tmp_path / "r.csv", kept) == digest_of(tmp_path / "r.csv")
    assert "r.csv" in kept.read_text()
