"""Registered files: mirror before address, checksum always, nothing half-written.

What needs a server is in tests/downloads.
"""

import hashlib
import logging
from pathlib import Path

import pytest

import download_data
from itcortex.downloads.fetch import MIRROR, fetch, in_mirror, shutil
from itcortex.errors import UserError
from itcortex.files import sha256_of
from made.hostile import understated, zipped

CONTENT = b"spikes" * 1000
SHA256 = "c0077cbc5f1f6eb2dfa74cce946665a5d70cf0bb4f5c0bde7790b96c37511d87"
NEVER = "http://127.0.0.1:1/never-asked"


@pytest.fixture
def mirror_file(tmp_path):
    """A mirror's copy of the file."""
    path = tmp_path / "mirror" / "dataset" / "whole.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def test_digest_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # test vector of FIPS 180-2
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == expected


def test_without_a_mirror_nothing_is_looked_up(monkeypatch):
    monkeypatch.delenv(MIRROR, raising=False)
    assert in_mirror("results/data/v4/x.npy") is None


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("/somewhere", Path("/somewhere/v4/x y.npy")),
        ("relative", Path("relative/v4/x y.npy")),
        ("https://host/a", "https://host/a/v4/x%20y.npy"),
        ("http://host:80/a/", "http://host:80/a/v4/x%20y.npy"),
    ],
)
def test_the_mirror_is_a_folder_or_the_start_of_an_address(monkeypatch, mirror, expected):
    monkeypatch.setenv(MIRROR, mirror)
    assert in_mirror("results/data/v4/x y.npy") == expected


@pytest.mark.parametrize("mirror", ["ftp://host/a", "s3://bucket", "file:///somewhere", "http://"])
def test_no_other_mirrors(monkeypatch, mirror):
    monkeypatch.setenv(MIRROR, mirror)
    with pytest.raises(UserError, match=f"{MIRROR}.*no address of the form"):
        in_mirror("results/data/v4/x.npy")


def test_the_mirror_comes_before_the_address(tmp_path, mirror_file, monkeypatch, caplog):
    target = tmp_path / "results" / "dataset" / "whole.zip"
    monkeypatch.setenv(MIRROR, str(mirror_file.parents[1]))
    with caplog.at_level(logging.INFO):
        download_data.main(target, [NEVER], SHA256, 6000, tmp_path / "lock.yaml")
    assert target.read_bytes() == CONTENT
    assert mirror_file.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["whole.zip"]
    assert caplog.messages == [f"{target}: 6000 bytes from {mirror_file}, sha256 {SHA256}"]


def test_a_copy_is_as_readable_as_a_new_file(tmp_path, mirror_file):
    mirror_file.chmod(0o400)
    (tmp_path / "new").touch()
    fetch([], tmp_path / "x", SHA256, mirror=mirror_file)
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_wrong_digest_is_refused(tmp_path, mirror_file):
    expected, target = "0" * 64, tmp_path / "out" / "whole.zip"
    with pytest.raises(UserError) as raised:
        fetch([], target, expected, mirror=mirror_file)
    for part in (str(target), str(mirror_file), expected, SHA256, "run again"):
        assert part in str(raised.value)
    assert list(target.parent.iterdir()) == []


def test_a_wrong_size_is_refused_before_the_copy(tmp_path, mirror_file):
    with pytest.raises(UserError, match="has 6000 bytes there, not 6001"):
        fetch([], tmp_path / "out" / "whole.zip", SHA256, 6001, mirror=mirror_file)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failed_fetch_leaves_an_older_file_as_it_was(tmp_path, mirror_file):
    (tmp_path / "whole.zip").write_bytes(b"older")
    with pytest.raises(UserError):
        fetch([], tmp_path / "whole.zip", "0" * 64, mirror=mirror_file)
    assert (tmp_path / "whole.zip").read_bytes() == b"older"


def test_an_older_file_is_replaced(tmp_path, mirror_file):
    (tmp_path / "whole.zip").write_bytes(b"older")
    fetch([], tmp_path / "whole.zip", SHA256, mirror=mirror_file)
    assert (tmp_path / "whole.zip").read_bytes() == CONTENT


def test_neither_mirror_nor_address(tmp_path):
    with pytest.raises(UserError, match=f"no url is registered and no mirror is set.*{MIRROR}"):
        fetch([], tmp_path / "set" / "x", SHA256)
    with pytest.raises(
        UserError, match=r"nowhere/set/x: cannot be copied \(No such file"
    ) as raised:
        fetch([], tmp_path / "set" / "x", SHA256, mirror=Path("nowhere/set/x"))
    assert "no url is registered, or put the file into a mirror as set/x" in str(raised.value)


def test_without_checksum_and_lock_file_the_digest_is_told(tmp_path, mirror_file, caplog):
    with caplog.at_level(logging.WARNING):
        fetched = fetch([], tmp_path / "x", None, mirror=mirror_file)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert fetched.sha256 == SHA256
    assert f"no checksum is registered; {mirror_file} has sha256 {SHA256}" in caplog.text


def test_a_disk_without_room(tmp_path, mirror_file, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=5990)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(UserError, match=r"x: needs 6\.00kB, and 5\.99kB are free"):
        fetch([], tmp_path / "x", SHA256, mirror=mirror_file)
    assert not (tmp_path / "x").exists()


def test_files_of_the_registry_match_the_reference_copies(tmp_path, shared):
    source = shared / "data" / "v4_cowley2023" / "images_210325.zip"
    registered = "992774eca3508a2ad01accb1a31f5f3e3d90248c49f4eec314f2a915a263e454"
    fetch([], tmp_path / "images_210325.zip", registered, 1841475, mirror=source)
    copied = (tmp_path / "images_210325.zip").read_bytes()
    assert hashlib.new("sha256", copied).hexdigest() == registered


@pytest.mark.usefixtures("unharmed")
def test_a_download_that_would_unpack_without_end_is_not_read_to_its_end():
    path = zipped(*((f"{k}", bytes(100_001)) for k in range(5)))
    understated(path, 100_001, 2**32 - 2)
    with pytest.raises(UserError, match=r"would unpack to 21\.5 GB"):
        fetch([], "d/big.zip", mirror=path)
