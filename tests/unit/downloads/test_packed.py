"""Numbered files become one archive, the same byte for byte, and continue where they broke off."""

import zipfile
from pathlib import Path

import pytest

from itcortex.downloads.fetch import MIRROR
from itcortex.downloads.packed import fetch_packed
from itcortex.errors import UserError
from itcortex.files import sha256_of

MEMBERS = {"path": "photos/{n}.jpg", "numbers": [8, 10]}


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror with the three members of d/photos.zip."""
    folder = tmp_path / "mirror" / "d" / "photos"
    folder.mkdir(parents=True)
    for number in (8, 9, 10):
        (folder / f"{number}.jpg").write_bytes(bytes([number]) * 100)
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    return folder


def test_members_are_packed_in_order_and_nothing_else_is_left(mirror, tmp_path):
    target, lock = tmp_path / "data" / "d" / "photos.zip", tmp_path / "lock.yaml"
    digest = fetch_packed([], target, MEMBERS, None, lock)
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["photos/8.jpg", "photos/9.jpg", "photos/10.jpg"]
        assert archive.read("photos/9.jpg") == bytes([9]) * 100
    assert [path.name for path in target.parent.iterdir()] == ["photos.zip"]
    assert digest == sha256_of(target)
    again = tmp_path / "again" / "d" / "photos.zip"
    assert fetch_packed([], again, MEMBERS, digest, lock) == digest
    assert again.read_bytes() == target.read_bytes()


def test_a_changed_member_is_an_error_once_the_archive_is_pinned(mirror, tmp_path):
    lock = tmp_path / "lock.yaml"
    fetch_packed([], tmp_path / "a" / "d" / "photos.zip", MEMBERS, None, lock)
    (mirror / "9.jpg").write_bytes(b"other")
    target = tmp_path / "b" / "d" / "photos.zip"
    with pytest.raises(UserError, match=r"d/photos\.zip"):
        fetch_packed([], target, MEMBERS, None, lock)
    assert not target.exists()


def test_another_digest_than_the_registered_one_is_an_error(mirror, tmp_path):
    target = tmp_path / "d" / "photos.zip"
    with pytest.raises(UserError, match=r"not the registered 0000.*run again"):
        fetch_packed([], target, MEMBERS, "0" * 64, tmp_path / "lock.yaml")
    assert not target.exists()


def test_what_has_come_is_kept_and_not_asked_for_again(mirror, tmp_path):
    target, lock = tmp_path / "data" / "d" / "photos.zip", tmp_path / "lock.yaml"
    hidden = mirror / "hidden"
    (mirror / "10.jpg").rename(hidden)
    with pytest.raises(UserError, match=r"10\.jpg"):
        fetch_packed([], target, MEMBERS, None, lock)
    (mirror / "8.jpg").unlink()  # it is there already
    hidden.rename(mirror / "10.jpg")
    fetch_packed([], target, MEMBERS, None, lock)
    with zipfile.ZipFile(target) as archive:
        assert archive.read("photos/8.jpg") == bytes([8]) * 100


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("path", ["../{n}.png", "/tmp/{n}.png", "a/../../{n}.png", "a//{n}.png"])
def test_members_that_are_downloaded_stay_in_their_folder(path):
    with pytest.raises(UserError, match="leads out of the archive's folder"):
        fetch_packed([], "d/a.zip", {"path": path, "numbers": [1, 2]}, None, "lock.yaml")
    assert list(Path().rglob("*")) == []
