"""Jobs that are killed in the middle of a download, and what the next run makes of it."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import download_data
from itcortex.downloads.parts import Part
from made.served import gives

pytestmark = pytest.mark.process

CODE = """
import logging
import sys
import download_data
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
url, target, lock, sha256 = sys.argv[1:]
download_data.main(target, [url], sha256 or None, None, lock)
"""
SCRIPTS = str(Path(download_data.__file__).parent)


def wait_for(condition) -> None:
    """Return once `condition()` holds; fail after 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("known", [True, False])
def test_a_job_killed_in_mid_download_is_continued(server, tmp_path, content, known):
    tag = {"ETag": '"first"'}
    url = server.put("/f", gives(content, tag, cut=123_456, holds=True), gives(content, tag))
    target, lock = tmp_path / "set" / "f.npy", tmp_path / "lock.yaml"
    digest = hashlib.new("sha256", content).hexdigest()
    command = [sys.executable, "-c", CODE, url, target, lock, digest if known else ""]
    environment = os.environ | {"PYTHONPATH": SCRIPTS}
    job = subprocess.Popen(command, env=environment)
    wait_for(lambda: Part(target).length() == 123_456)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    assert [path.name for path in target.parent.iterdir()] == [".f.npy.part"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert target.read_bytes() == content
    assert server.ranges() == [None, "bytes=123456-"]
    assert server.sent() == [123_456, 176_544]
    assert digest in done.stdout
    assert [path.name for path in target.parent.iterdir()] == ["f.npy"]


def test_a_job_killed_while_it_verifies_downloads_nothing_again(
    server, tmp_path, content, monkeypatch
):
    url = server.put("/f", gives(content))
    target, lock = tmp_path / "set" / "f.npy", tmp_path / "lock.yaml"
    code = (
        "import os, pooch.core; pooch.core.hash_matches = lambda *a, **k: os.kill(os.getpid(), 9)"
    )
    digest = hashlib.new("sha256", content).hexdigest()
    job = subprocess.run(
        [sys.executable, "-c", f"{code}\n{CODE}", url, target, lock, digest],
        env=os.environ | {"PYTHONPATH": SCRIPTS}, check=False,
    )  # fmt: skip
    assert job.returncode == -signal.SIGKILL
    assert not target.exists()
    download_data.main(target, [url], digest, None, lock)
    assert target.read_bytes() == content
    assert len(server.requests) == 1
    assert [path.name for path in target.parent.iterdir()] == ["f.npy"]
