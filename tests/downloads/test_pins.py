"""Files without a published checksum: pinned at the first whole download, an error if they change."""

import hashlib
import io
import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import download_data
from itcortex.downloads import pins
from itcortex.downloads.fetch import fetch
from itcortex.errors import UserError
from made.served import gives

pytestmark = [pytest.mark.server, pytest.mark.process]

SCRIPTS = Path(download_data.__file__).parent


def sha(content: bytes) -> str:
    """Digest, by another way than the code under test."""
    return hashlib.new("sha256", content).hexdigest()


@pytest.fixture
def lock(tmp_path):
    """The lock file; its folder is not there yet."""
    return tmp_path / "experiments" / "datasets.lock.yaml"


def archive(*texts: str) -> bytes:
    """A zip archive of uncompressed members, so that damage stays where it is done."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number, text in enumerate(texts):
            made.writestr(f"{number}.txt", text)
    return buffer.getvalue()


def test_the_first_whole_download_is_pinned_and_a_change_is_an_error(server, tmp_path, lock, quick):
    old, new = archive("spikes", "images"), archive("spikes", "others")
    url, target = server.put("/a.zip", gives(old)), tmp_path / "set" / "a.zip"
    fetch(url, target, lock=lock, patience=quick)
    assert target.read_bytes() == old
    assert yaml.safe_load(lock.read_text()) == {
        "set/a.zip": {"sha256": sha(old), "bytes": len(old), "url": url}
    }
    assert "Commit this file" in lock.read_text().splitlines()[1]
    pinned = lock.read_text()
    server.put("/a.zip", gives(new))
    target.unlink()
    with pytest.raises(UserError) as raised:
        fetch(url, target, lock=lock, patience=quick)
    for part in (url, sha(old), sha(new), str(lock), "remove the entry 'set/a.zip'", "run again"):
        assert part in str(raised.value)
    assert list(target.parent.iterdir()) == []
    assert lock.read_text() == pinned
    lock.write_text("")  # the remedy
    fetch(url, target, lock=lock, patience=quick)
    assert pins.read(lock) == {"set/a.zip": pins.Pin(sha(new), len(new), url)}


def test_a_change_of_length_is_refused_before_the_body(server, tmp_path, lock, quick):
    pins.pin(lock, "set/a.npy", pins.Pin(sha(b"old"), 3, "there"))
    url = server.put("/a.npy", gives(b"", announced=10**10))
    with pytest.raises(UserError, match="10000000000 bytes there, not 3") as raised:
        fetch(url, tmp_path / "set" / "a.npy", lock=lock, patience=quick)
    assert sha(b"old") in str(raised.value)
    assert f"remove the entry 'set/a.npy' from {lock}" in str(raised.value)


def test_a_pinned_file_comes_again_without_a_change_of_the_lock(server, tmp_path, lock, quick):
    url = server.put("/a.npy", gives(b"spikes"))
    fetch(url, tmp_path / "set" / "a.npy", lock=lock, patience=quick)
    pinned = lock.read_text()
    other = server.put("/elsewhere.npy", gives(b"spikes"))
    fetch(other, tmp_path / "set" / "a.npy", lock=lock, patience=quick)
    assert lock.read_text() == pinned


def test_a_mirror_obeys_the_same_pin(tmp_path, lock, quick, server):
    mirror = tmp_path / "mirror" / "set" / "a.npy"
    mirror.parent.mkdir(parents=True)
    mirror.write_bytes(b"spikes")
    target = tmp_path / "results" / "set" / "a.npy"
    fetch([], target, mirror=mirror, lock=lock, patience=quick)
    assert pins.read(lock) == {"set/a.npy": pins.Pin(sha(b"spikes"), 6, "mirror")}
    mirror.write_bytes(b"spiked")
    with pytest.raises(UserError) as raised:
        fetch([], target, mirror=mirror, lock=lock, patience=quick)
    for part in (sha(b"spikes"), sha(b"spiked"), str(mirror), str(lock)):
        assert part in str(raised.value)
    url = server.put("/a.npy", gives(b"spikes"))  # an address that still has it is good enough
    assert fetch(url, target, mirror=mirror, lock=lock, patience=quick).source == url


def test_a_registered_checksum_needs_no_pin(server, tmp_path, lock, quick):
    url = server.put("/a.npy", gives(b"spikes"))
    pins.pin(lock, "set/a.npy", pins.Pin(sha(b"other"), 5, "there"))
    pinned = lock.read_text()
    fetch(url, tmp_path / "set" / "a.npy", sha(b"spikes"), 6, lock=lock, patience=quick)
    assert (tmp_path / "set" / "a.npy").read_bytes() == b"spikes"
    assert lock.read_text() == pinned


@pytest.mark.parametrize("damage", ["truncated", "changed"])
def test_a_damaged_archive_is_not_pinned(server, tmp_path, lock, quick, damage):
    whole = archive("spikes" * 1000, "images" * 1000)
    damaged = whole[:5000] if damage == "truncated" else whole.replace(b"images", b"imeges", 1)
    url = server.put("/a.zip", gives(damaged))
    with pytest.raises(UserError, match="not a whole zip archive"):
        fetch(url, tmp_path / "set" / "a.zip", lock=lock, patience=quick)
    assert not lock.exists()
    assert list((tmp_path / "set").iterdir()) == []


def test_entries_are_sorted_and_keep_each_other(lock):
    for key in ("b/2", "a/9", "b/10"):
        pins.pin(lock, key, pins.Pin(sha(key.encode()), 1, "https://host/ä?x=1&y=2"))
    assert list(yaml.safe_load(lock.read_text(encoding="utf-8"))) == ["a/9", "b/10", "b/2"]
    assert pins.read(lock)["a/9"] == pins.Pin(sha(b"a/9"), 1, "https://host/ä?x=1&y=2")


def test_another_digest_is_not_written_over(lock):
    """As when another process has pinned another file meanwhile."""
    pins.pin(lock, "set/a", pins.Pin(sha(b"1"), 1, "here"))
    with pytest.raises(UserError) as raised:
        pins.pin(lock, "set/a", pins.Pin(sha(b"2"), 1, "there"))
    for part in ("set/a: there has", sha(b"1"), sha(b"2"), str(lock), "remove the entry"):
        assert part in str(raised.value)
    assert pins.read(lock)["set/a"].sha256 == sha(b"1")


def test_processes_that_pin_at_the_same_time_lose_nothing(lock):
    code = (
        "import sys; from itcortex.downloads import pins\n"
        "for n in range(25): pins.pin(sys.argv[1], f'set/{sys.argv[2]}{n}', "
        "pins.Pin('0' * 64, n, 'here'))"
    )
    jobs = [
        subprocess.Popen([sys.executable, "-c", code, str(lock), name], env={"PYTHONPATH": SCRIPTS})
        for name in "ab"
    ]
    assert [job.wait(60) for job in jobs] == [0, 0]
    assert set(pins.read(lock)) == {f"set/{name}{n}" for name in "ab" for n in range(25)}


def test_a_lock_file_that_is_not_there_or_empty_pins_nothing(lock):
    assert pins.read(lock) == {}
    lock.parent.mkdir()
    lock.write_text("# only a comment\n")
    assert pins.read(lock) == {}


GOOD = f"{{sha256: {'ab' * 32}, bytes: 1, url: x}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD\na/b: 1\n", "cannot be read as YAML"),
        ("- a\n", "top level: .* is not of type 'object'"),
        (f"a.npy: {GOOD}", "'a.npy' does not match"),
        ("a/b: 12", "a/b: 12 is not of type 'object'"),
        (f"a/b: {GOOD.replace('ab' * 32, 'abc')}", "a/b: sha256: 'abc' does not match"),
        (f"a/b: {GOOD.replace('1', 'one')}", "a/b: bytes: 'one' is not of type 'integer'"),
        (f"a/b: {GOOD.replace(', url: x', '')}", "a/b: 'url' is a required property"),
        (f"a/b: {GOOD.replace('url', 'uri')}", "a/b: .*'uri' was unexpected"),
    ],
)
def test_a_lock_file_that_was_mistreated(lock, text, message):
    lock.parent.mkdir()
    lock.write_text(text)
    with pytest.raises(UserError, match=message) as raised:
        pins.read(lock)
    assert str(raised.value).startswith(f"{lock}: ")
    assert "version control" in str(raised.value)


def test_the_script_says_what_it_fetched(server, tmp_path, lock, caplog):
    url, target = server.put("/a.npy", gives(b"spikes")), tmp_path / "set" / "a.npy"
    with caplog.at_level(logging.INFO):
        download_data.main(target, [url], None, None, lock)
    assert caplog.messages[-1] == f"{target}: 6 bytes from {url}, sha256 {sha(b'spikes')}"
    assert pins.read(lock)["set/a.npy"].bytes == 6


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_that_is_an_address(server, tmp_path, lock, monkeypatch, slash):
    server.put("/mirror/set/a%20b.npy", gives(b"spikes"))
    url = server.put("/c.npy", gives(b"other"))
    monkeypatch.setenv("ITCORTEX_MIRROR", f"{server.address}/mirror{slash}")
    download_data.main(tmp_path / "set" / "a b.npy", [url], sha(b"spikes"), 6, lock)
    download_data.main(tmp_path / "set" / "c.npy", [url], sha(b"other"), 5, lock)
    assert [(r.path, r.status) for r in server.requests] == [
        ("/mirror/set/a%20b.npy", 200),
        ("/mirror/set/c.npy", 404),
        ("/c.npy", 200),
    ]
