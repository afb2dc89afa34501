"""Registered files: mirror before address, checksum always, nothing half-written."""

import http.server
import logging
import threading

import pytest

import download_data
from itcortex.errors import UserError
from itcortex.registry import MIRROR, fetch, in_mirror, sha256_of

CONTENT = b"spikes" * 1000
SHA256 = "c0077cbc5f1f6eb2dfa74cce946665a5d70cf0bb4f5c0bde7790b96c37511d87"


@pytest.fixture
def server(tmp_path):
    """Address of a local server: /whole.zip is CONTENT, /cut.zip ends early, no other file."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path in {"/whole.zip", "/cut.zip"}
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(CONTENT) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(CONTENT if self.path == "/whole.zip" else CONTENT[:100])

        def log_message(self, *_args):
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def mirror_file(tmp_path):
    """A mirror's copy of the file."""
    path = tmp_path / "mirror" / "dataset" / "whole.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def test_without_a_mirror_nothing_is_looked_up(monkeypatch):
    monkeypatch.delenv(MIRROR, raising=False)
    assert in_mirror("results/data/v4/x.npy") is None


def test_digest_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # test vector of FIPS 180-2
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == expected


def test_the_mirror_comes_before_the_address(tmp_path, mirror_file, monkeypatch):
    target = tmp_path / "results" / "dataset" / "whole.zip"
    monkeypatch.setenv(MIRROR, str(mirror_file.parents[1]))
    download_data.main(target, "http://127.0.0.1:1/never-asked", SHA256)
    assert target.read_bytes() == CONTENT
    assert mirror_file.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["whole.zip"]


def test_a_file_that_the_mirror_lacks_is_downloaded(tmp_path, server, monkeypatch):
    target = tmp_path / "whole.zip"
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    download_data.main(target, f"{server}/whole.zip", SHA256.upper())
    assert target.read_bytes() == CONTENT


def test_a_wrong_digest_is_refused_from_the_mirror_and_from_the_address(
    tmp_path, server, mirror_file
):
    expected, target = "0" * 64, tmp_path / "out" / "whole.zip"
    for url, mirror, source in (
        (None, mirror_file, "mirror/dataset/whole.zip"),
        (f"{server}/whole.zip", None, "http://127.0.0.1"),
    ):
        with pytest.raises(UserError) as raised:
            fetch(url, target, expected, mirror)
        for part in (str(target), source, expected, SHA256, "run again"):
            assert part in str(raised.value)
        assert list(target.parent.iterdir()) == []


def test_a_failed_fetch_leaves_an_older_file_as_it_was(tmp_path, mirror_file):
    (tmp_path / "whole.zip").write_bytes(b"older")
    with pytest.raises(UserError):
        fetch(None, tmp_path / "whole.zip", "0" * 64, mirror_file)
    assert (tmp_path / "whole.zip").read_bytes() == b"older"


@pytest.mark.parametrize("path", ["/gone.zip", "/cut.zip"])
def test_a_failed_download_names_mirror_and_address(tmp_path, server, path):
    target = tmp_path / "out" / "x.zip"
    with pytest.raises(UserError) as raised:
        fetch(server + path, target, SHA256, tmp_path / "mirror" / "x.zip")
    for part in (server + path, str(tmp_path / "mirror" / "x.zip"), "check the network"):
        assert part in str(raised.value)
    assert list(target.parent.iterdir()) == []


def test_no_server_at_the_address(tmp_path):
    with pytest.raises(UserError, match=r"127\.0\.0\.1:1/x.*cannot be downloaded"):
        fetch("http://127.0.0.1:1/x", tmp_path / "x", SHA256)


def test_neither_mirror_nor_address(tmp_path):
    with pytest.raises(UserError, match=r"no local mirror has it \(nowhere/x\) and no url"):
        fetch(None, tmp_path / "x", SHA256, "nowhere/x")
    with pytest.raises(UserError, match="no local mirror is set and no url"):
        fetch(None, tmp_path / "x", SHA256)


def test_without_a_registered_checksum_the_digest_is_logged(tmp_path, mirror_file, caplog):
    with caplog.at_level(logging.WARNING):
        fetch(None, tmp_path / "x", None, mirror_file)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert SHA256 in caplog.text


def test_files_of_the_registry_match_the_reference_copies(tmp_path, shared):
    source = shared / "data" / "v4_cowley2023" / "images_210325.zip"
    registered = "992774eca3508a2ad01accb1a31f5f3e3d90248c49f4eec314f2a915a263e454"
    fetch(None, tmp_path / "images_210325.zip", registered, source)
    assert (tmp_path / "images_210325.zip").stat().st_size == 1841475
