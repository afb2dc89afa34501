"""huggingface_hub itself meets failing servers and limits by asking again: nothing is added to it."""

import http.server
import threading
from functools import partial

import huggingface_hub
import pytest

from itcortex.weights import hub
from itcortex.weights.availability import UnavailableError

pytestmark = [pytest.mark.server, pytest.mark.network]

CONTENT, COMMIT = b"weights", "0123456789abcdef0123456789abcdef01234567"


class _Hub(http.server.BaseHTTPRequestHandler):
    """Gives one file; `failures` are statuses that are answered first."""

    def do_HEAD(self):
        self.server.asked += 1
        status = self.server.failures.pop(0) if self.server.failures else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(CONTENT)) if status == 200 else "0")
        if status == 200:
            self.send_header("ETag", '"abc"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        return status

    def do_GET(self):
        if self.do_HEAD() == 200:
            self.wfile.write(CONTENT)

    def log_message(self, *_args):
        """No log."""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub on this machine, asked with a clock that does not wait."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.failures, server.asked, server.slept = [], 0, []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    here = partial(huggingface_hub.hf_hub_download, endpoint=address, cache_dir=tmp_path / "cache")
    monkeypatch.setattr(hub.huggingface_hub, "hf_hub_download", here)
    monkeypatch.setattr(hub.responses, "unknown_host", lambda url: None)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", server.slept.append)
    yield server
    server.shutdown()
    server.server_close()


def test_failing_servers_and_limits_are_asked_again(server):
    server.failures = [503, 429, 500]
    path, origin = hub.hub_file("owner/repo", "model.bin")
    assert path.read_bytes() == CONTENT
    assert origin == {"file": "owner/repo/model.bin", "commit": COMMIT}
    assert len(server.slept) >= 1 and server.failures == []


def test_a_server_that_keeps_failing_makes_weights_unavailable(server):
    server.failures = [503] * 100
    with pytest.raises(UnavailableError, match=r"owner/repo/model\.bin: .*503"):
        hub.hub_file("owner/repo", "model.bin")
    assert server.asked >= 5
