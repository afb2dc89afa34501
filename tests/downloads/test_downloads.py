"""Downloads from a server that truncates, stalls, fails, changes the file or ignores Range."""

import email.utils
import hashlib
import logging
import resource
import sys
import threading
import time
from dataclasses import replace
from io import StringIO

import pytest
import requests

from itcortex.downloads.fetch import fetch
from itcortex.downloads.parts import Origin, Part
from itcortex.downloads.responses import UnavailableError, refuse_redirect
from itcortex.errors import UserError
from made.served import fails, gives

pytestmark = pytest.mark.server

ETAG = {"ETag": '"first"'}
DATE = {"Last-Modified": "Tue, 03 Nov 2026 10:00:00 GMT"}
WEAK = {"ETag": 'W/"first"'}


def sha(content: bytes) -> str:
    """Digest, by another way than the code under test."""
    return hashlib.new("sha256", content).hexdigest()


@pytest.fixture
def target(tmp_path):
    """Where the file belongs."""
    return tmp_path / "data" / "set" / "file.bin"


def in_folder(target) -> list[str]:
    """Names of everything beside the target."""
    return sorted(path.name for path in target.parent.iterdir())


def test_a_whole_file_comes_in_one_request(server, target, content, quick):
    url = server.put("/file.bin", gives(content, ETAG))
    fetched = fetch(url, target, sha(content).upper(), len(content), patience=quick)
    assert target.read_bytes() == content
    assert (fetched.source, fetched.bytes, fetched.sha256) == (url, 300_000, sha(content))
    assert in_folder(target) == ["file.bin"]
    assert server.ranges() == [None]
    assert target.stat().st_mode & 0o044 == 0o044  # others may read it, as umask 022 has it


def test_an_empty_file_is_a_file(server, target, quick):
    fetch(server.put("/x", gives(b"")), target, sha(b""), 0, patience=quick)
    assert target.read_bytes() == b""
    assert in_folder(target) == ["file.bin"]


@pytest.mark.parametrize(
    ("headers", "proof"),
    [(ETAG, '"first"'), (DATE, DATE["Last-Modified"]), (WEAK | DATE, DATE["Last-Modified"])],
)
def test_a_broken_transfer_goes_on_where_it_ended(server, target, content, quick, headers, proof):
    url = server.put("/f", gives(content, headers, cut=100_001), gives(content, headers))
    fetch(url, target, None, patience=quick)
    assert target.read_bytes() == content
    assert server.ranges() == [None, "bytes=100001-"]
    assert server.sent() == [100_001, 199_999]  # nothing twice
    assert server.requests[1].if_range == proof


def test_without_proof_that_it_is_the_same_file_only_a_checksum_lets_it_go_on(
    server, target, content, quick
):
    for known, ranges in ((sha(content), "bytes=5000-"), (None, None)):
        url = server.put("/f", gives(content, WEAK, cut=5000), gives(content, WEAK))
        server.requests.clear()
        fetch(url, target, known, patience=quick)
        assert target.read_bytes() == content
        assert server.ranges() == [None, ranges]
        assert server.requests[1].if_range is None


def test_tries_that_bring_bytes_do_not_count(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, cut=30_000))
    fetch(url, target, sha(content), patience=replace(quick, tries=2))
    assert target.read_bytes() == content
    assert server.sent() == [30_000] * 10


def test_a_server_that_ignores_range_starts_over(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, cut=9000), gives(content, ETAG, ranges=False))
    fetch(url, target, sha(content), patience=quick)
    assert target.read_bytes() == content
    assert server.ranges() == [None, "bytes=9000-"]
    assert server.sent() == [9000, 300_000]


def test_a_server_that_ignores_range_and_always_truncates_is_given_up(
    server, target, content, quick
):
    url = server.put("/f", gives(content, ETAG, ranges=False, cut=9000))
    with pytest.raises(UserError, match="given up after 3 tries"):
        fetch(url, target, sha(content), patience=quick)
    assert len(server.requests) == 6  # three that brought bytes once, three that brought none
    assert in_folder(target) == [".file.bin.part"]


@pytest.mark.parametrize("obeys", [True, False])
def test_a_file_that_changed_between_two_tries_is_fetched_anew(
    server, target, content, quick, obeys
):
    new = content[::-1]
    after = gives(new, {"ETag": '"second"'}, obeys_if_range=obeys)
    url = server.put("/f", gives(content, ETAG, cut=70_000), after)
    fetch(url, target, None, patience=quick)  # no checksum: nothing else would notice a mixture
    assert target.read_bytes() == new
    assert server.ranges() == [None, "bytes=70000-"] + ([] if obeys else [None])


def test_a_file_that_grew_between_two_tries_is_fetched_anew(server, target, content, quick):
    grown = content + b"more"  # same date, no If-Range check: only the length tells
    after = gives(grown, DATE, obeys_if_range=False)
    url = server.put("/f", gives(content, DATE, cut=70_000), after)
    fetch(url, target, None, patience=quick)
    assert target.read_bytes() == grown
    assert server.ranges() == [None, "bytes=70000-", None]


def test_416_for_a_part_that_is_whole(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG))
    part = Part(target)
    part.folder.mkdir(parents=True)
    part.begin(Origin(url, ETAG["ETag"], None))
    part.bytes.write_bytes(content)
    fetch(url, target, None, patience=quick)
    assert target.read_bytes() == content
    assert [r.status for r in server.requests] == [416]


def test_416_for_a_part_that_is_longer_than_the_file(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG))
    part = Part(target)
    part.folder.mkdir(parents=True)
    part.begin(Origin(url, ETAG["ETag"], None))
    part.bytes.write_bytes(content + b"?")
    fetch(url, target, None, patience=quick)
    assert target.read_bytes() == content
    assert [r.status for r in server.requests] == [416, 200]


def test_a_damaged_part_does_not_poison_the_next_run(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG))
    part = Part(target)
    part.folder.mkdir(parents=True)
    part.begin(Origin(url, ETAG["ETag"], len(content)))
    part.bytes.write_bytes(bytes(1000))
    fetch(url, target, sha(content), patience=quick)
    assert target.read_bytes() == content
    assert server.ranges() == ["bytes=1000-", None]
    assert in_folder(target) == ["file.bin"]


@pytest.mark.parametrize("note", ["", "{", '{"url": 1}', "[]"])
def test_a_part_without_a_readable_note_is_not_continued(server, target, content, quick, note):
    part = Part(target)
    part.folder.mkdir(parents=True)
    part.bytes.write_bytes(bytes(1000))
    (part.folder / "origin.json").write_text(note)
    fetch(server.put("/f", gives(content, ETAG)), target, sha(content), patience=quick)
    assert target.read_bytes() == content
    assert server.ranges() == [None]


def test_a_wrong_file_is_named_with_both_digests_and_not_kept(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, cut=100), gives(content, ETAG))
    with pytest.raises(UserError) as raised:
        fetch(url, target, sha(b"right"), patience=quick)
    for part in (str(target), url, sha(b"right"), sha(content), "run again"):
        assert part in str(raised.value)
    assert server.ranges() == [None, "bytes=100-", None]  # once more from zero, and no more
    assert list(target.parent.iterdir()) == []


def test_a_wrong_file_that_comes_in_pieces_is_fetched_twice_at_most(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, cut=200_000))
    with pytest.raises(UserError, match=sha(content)):
        fetch(url, target, sha(b"right"), patience=quick)
    assert server.ranges() == [None, "bytes=200000-"] * 2


def test_busy_servers_are_asked_again(server, target, content, quick, caplog):
    busy = [fails(500), fails(503), fails(502), fails(429), fails(500)]
    url = server.put("/f", *busy, gives(content))
    with caplog.at_level(logging.WARNING):
        fetch(url, target, sha(content), patience=replace(quick, tries=6))
    assert target.read_bytes() == content
    assert [r.status for r in server.requests] == [500, 503, 502, 429, 500, 200]
    assert "HTTP 429 Too Many Requests; trying again in 0.0 s" in caplog.text


def test_a_server_that_stays_broken_is_given_up(server, target, quick):
    url = server.put("/f", fails(500))
    with pytest.raises(UserError, match=r"HTTP 500 Internal Server Error; given up after 4 tries"):
        fetch(url, target, patience=replace(quick, tries=4))
    assert len(server.requests) == 4
    assert list(target.parent.iterdir()) == []


def test_a_server_may_ask_to_wait(server, target, content, quick):
    url = server.put("/f", fails(429, Retry_After="1"), gives(content))
    fetch(url, target, sha(content), patience=quick)
    first, second = (request.time for request in server.requests)
    assert 1 <= second - first < 10  # of the server's clock; upper end: a slow machine


@pytest.mark.parametrize(
    "asked",
    ["3600", email.utils.formatdate(time.time() + 3600, usegmt=True)],
    ids=["seconds", "date"],  # the date is another one in every process
)
def test_but_not_for_as_long_as_it_likes(server, target, content, quick, asked):
    url = server.put("/f", fails(503, Retry_After=asked), gives(content))
    fetch(url, target, sha(content), patience=replace(quick, longest_asked=0.3))
    first, second = (request.time for request in server.requests)
    assert 0.3 <= second - first < 10


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204])
def test_refusals_are_not_repeated_but_the_next_address_is_asked(
    server, target, content, quick, status
):
    urls = [server.put("/no", fails(status)), server.put("/yes", gives(content))]
    assert fetch(urls, target, sha(content), patience=quick).source == urls[1]
    assert [(r.path, r.status) for r in server.requests] == [("/no", status), ("/yes", 200)]


def test_every_source_and_its_reason_is_listed(server, tmp_path, target, content, quick):
    urls = [
        server.put("/forbidden", fails(403)),
        server.put("/broken", fails(500)),
        server.put("/wrong", gives(content)),
        "http://127.0.0.1:1/nobody",
    ]
    with pytest.raises(UserError) as raised:
        fetch(urls, target, sha(b"right"), mirror=tmp_path / "mirror" / "f", patience=quick)
    lines = str(raised.value).splitlines()
    assert str(target) in lines[0] and sha(b"right") in lines[0]
    expected = [
        (str(tmp_path / "mirror" / "f"), "No such file"),
        (urls[0], "HTTP 403 Forbidden"),
        (urls[1], "HTTP 500 Internal Server Error; given up after 3 tries"),
        (urls[2], sha(content)),
        (urls[3], "Connection refused"),
    ]
    for line, (source, reason) in zip(lines[1:6], expected, strict=True):
        assert line.startswith(f"  - {source}: ")
        assert reason in line
    assert "register its checksum" in lines[6]


def test_a_network_that_is_down_is_a_matter_for_a_mirror(target, quick):
    with pytest.raises(UserError, match=r"check the network.*mirror as set/file.bin.*ITCORTEX_MIR"):
        fetch("http://127.0.0.1:1/x", target, "0" * 64, patience=quick)


def test_a_part_waits_while_another_address_fails(server, target, content, quick):
    gone = server.put("/gone", fails(404))
    good = server.put("/good", gives(content, ETAG, cut=50_000), fails(500))
    with pytest.raises(UserError):
        fetch([gone, good], target, sha(content), patience=quick)
    assert in_folder(target) == [".file.bin.part"]
    server.put("/good", gives(content, ETAG))
    server.requests.clear()
    fetch([gone, good], target, sha(content), patience=quick)
    assert server.ranges() == [None, "bytes=50000-"]
    assert in_folder(target) == ["file.bin"]


def test_a_wrong_size_is_refused_before_the_body(server, target, quick):
    url = server.put("/f", gives(b"", announced=20 * 10**9))
    with pytest.raises(UserError, match="20000000000 bytes there, not 300000"):
        fetch(url, target, "0" * 64, 300_000, patience=quick)
    assert len(server.requests) == 1
    assert list(target.parent.iterdir()) == []


def test_a_wrong_size_does_not_cost_the_part(server, target, content, quick):
    page = gives(b"sorry, back soon", ranges=False)
    url = server.put("/f", gives(content, ETAG, cut=50_000), page)
    with pytest.raises(UserError, match="16 bytes there, not 300000"):
        fetch(url, target, sha(content), 300_000, patience=quick)
    assert Part(target).length() == 50_000


def test_a_server_that_announces_more_than_it_has(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, announced=300_001))
    with pytest.raises(UserError, match="given up after 3 tries"):
        fetch(url, target, None, 300_001, patience=quick)
    assert not target.exists()


def test_a_server_that_announces_nothing_and_has_too_little(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, announced=-1))
    with pytest.raises(UserError, match="the file has 300000 bytes, not 300001"):
        fetch(url, target, None, 300_001, patience=quick)
    assert list(target.parent.iterdir()) == []
    assert [r.status for r in server.requests] == [200, 416, 200, 416]  # twice, and no more


def test_a_server_that_sends_more_than_the_registered_size(server, target, content, quick):
    url = server.put("/f", gives(content, announced=-1))
    with pytest.raises(UserError, match="sends more than 299999 bytes"):
        fetch(url, target, sha(content), 299_999, patience=quick)
    assert list(target.parent.iterdir()) == []


def test_a_length_that_nobody_knows(server, target, content, quick):
    url = server.put("/f", gives(content, announced=-1))
    assert fetch(url, target, sha(content), patience=quick).bytes == 300_000
    assert target.read_bytes() == content


def test_a_stalled_transfer_goes_on(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG, cut=80_000, holds=True), gives(content, ETAG))
    started = time.monotonic()
    fetch(url, target, sha(content), patience=replace(quick, stall=0.4))
    assert time.monotonic() - started < 10  # the server would hold on for 20 s
    assert target.read_bytes() == content
    assert server.ranges() == [None, "bytes=80000-"]


def test_the_target_is_never_half_written(server, target, content, quick):
    target.parent.mkdir(parents=True)
    target.write_bytes(b"older")
    url = server.put("/f", gives(content, ETAG, cut=80_000, holds=True), gives(content, ETAG))
    job = threading.Thread(
        target=fetch,
        args=(url, target, sha(content)),
        kwargs={"patience": replace(quick, stall=15)},
    )
    job.start()
    deadline = time.monotonic() + 10
    while Part(target).length() < 80_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert Part(target).length() == 80_000
    assert target.read_bytes() == b"older"
    with pytest.raises(UserError, match="another process is downloading it"):
        fetch(url, target, sha(content), patience=quick)
    server.release.set()
    job.join()
    assert target.read_bytes() == content


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher"])
def test_redirects_to_other_schemes_are_refused(server, target, quick, scheme):
    url = server.put("/f", fails(302, Location=f"{scheme}://127.0.0.1/etc/passwd"))
    with pytest.raises(UserError, match=f"redirected to {scheme}://127.0.0.1/etc/passwd, which is"):
        fetch(url, target, "0" * 64, patience=quick)
    assert len(server.requests) == 1


def test_redirects_are_followed_also_when_resuming(server, target, content, quick):
    server.put("/there", gives(content, ETAG, cut=1000), gives(content, ETAG))
    url = server.put("/here", fails(302, Location="/there"))
    fetch(url, target, sha(content), patience=quick)
    assert target.read_bytes() == content
    assert server.ranges() == [None, None, "bytes=1000-", "bytes=1000-"]


def test_redirects_in_a_circle_end(server, target, quick):
    url = server.put("/f", fails(302, Location="/f"))
    with pytest.raises(UserError, match="Exceeded 30 redirects"):
        fetch(url, target, "0" * 64, patience=quick)


def test_https_is_not_left_for_http():
    response = requests.Response()
    response.status_code, response.url = 302, "https://host/a"
    response.headers["Location"] = "http://user:secret@host/a"
    with pytest.raises(UnavailableError, match="redirected to http://host/a, which is refused"):
        refuse_redirect(response)
    response.headers["Location"] = "/b"
    assert refuse_redirect(response) is None


def test_compressed_answers_are_refused(server, target, content, quick):
    url = server.put("/f", gives(content, {"Content-Encoding": "gzip"}))
    with pytest.raises(UserError, match=r"compressed \(gzip\), though asked not to"):
        fetch(url, target, sha(content), patience=quick)


def test_a_compressed_file_is_kept_as_it_is(server, tmp_path, content, quick):
    url = server.put("/f", gives(content, {"Content-Encoding": "gzip"}))
    fetch(url, tmp_path / "x.tar.gz", sha(content), patience=quick)
    assert (tmp_path / "x.tar.gz").read_bytes() == content


def test_a_web_page_is_no_file_unless_its_checksum_says_so(server, target, content, quick):
    url = server.put("/f", gives(content, {"Content-Type": "text/html; charset=utf-8"}))
    with pytest.raises(UserError, match="web page"):
        fetch(url, target, patience=quick)
    fetch(url, target, sha(content), patience=quick)
    assert target.read_bytes() == content


def test_a_disk_that_cannot_hold_the_file_is_named_before_the_transfer(server, target, quick):
    url = server.put("/f", gives(b"", announced=2**60))
    with pytest.raises(UserError, match=r"file\.bin: needs 1\.15EB, and .* are free"):
        fetch([url, url], target, patience=quick)
    assert len(server.requests) == 1


def test_a_disk_that_fills_up_keeps_what_it_holds(server, target, content, quick):
    url = server.put("/f", gives(content, ETAG))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(UserError, match=r"cannot be written .*make room and run again"):
            fetch(url, target, sha(content), patience=quick)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Part(target).length() == 200_000
    fetch(url, target, sha(content), patience=quick)
    assert target.read_bytes() == content
    assert server.ranges() == [None, "bytes=200000-"]


def test_passwords_are_used_and_not_shown(server, target, content, quick, caplog):
    server.put("/f", fails(500), gives(content, ETAG, cut=5), fails(403))
    url = server.address.replace("//", "//user:secret@") + "/f"
    with pytest.raises(UserError) as raised, caplog.at_level(logging.WARNING):
        fetch(url, target, sha(content), patience=quick)
    note = (Part(target).folder / "origin.json").read_text()
    assert server.requests[0].authorization == "Basic dXNlcjpzZWNyZXQ="
    for text in (str(raised.value), caplog.text, note):
        assert "secret" not in text
        assert "127.0.0.1" in text or "HTTP 500" in text


def test_progress_is_lines_in_a_log(server, target, content, quick, capsys):
    url = server.put("/f", gives(content, ETAG, cut=100_000), gives(content, ETAG))
    fetch(url, target, sha(content), patience=quick)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("file.bin: 0.3 of 0.3 MB (100%), ")
    assert "\r" not in "".join(lines)


def test_progress_is_a_bar_on_a_terminal(server, target, content, quick, monkeypatch):
    terminal = StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "__stderr__", terminal)
    fetch(server.put("/f", gives(content)), target, sha(content), patience=quick)
    assert "file.bin: 100%|" in terminal.getvalue()
    assert "300k/300k" in terminal.getvalue()


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "x.zip", "http:///x"])
def test_only_web_addresses(target, url):
    with pytest.raises(UserError, match=r"is no address of the form http\(s\)://host/path"):
        fetch(["http://127.0.0.1:1/never-asked", url], target, "0" * 64)


@pytest.mark.parametrize("name", ["..", "a\\b", "a\0b"])
def test_names_that_lead_elsewhere(tmp_path, name):
    for path in (tmp_path / "set" / name, tmp_path / name / "file"):
        with pytest.raises(UserError, match="cannot be the name of a data set or file"):
            fetch([], path, "0" * 64)
