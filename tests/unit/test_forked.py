"""Forked processes (`made.forked`) are to whoever starts them what `python` would be."""

import os
import re
import signal
import subprocess
import sys

import pytest

from made import forked_client
from made.forked import account, forking, python
from made.patience import wait_until

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not forking(), reason="processes are not forked here: made.forked"),
]

#: A server that takes a request and ends.
ENDS_ON_REQUEST = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("up", flush=True)
connection, _ = listener.accept()
connection.recv(int(sys.argv[2]))
"""
SHOW = """
import os, sys
print(sys.argv, os.getcwd(), os.environ.get("PLANTED"), __name__, sys.stdin.read(), os.umask(0))
print([p for p in sys.path if "site-packages" not in p], "itcortex" in sys.modules)
print("to stderr", file=sys.stderr)
import atexit
atexit.register(print, "at exit")
"""


def both(words, folder, **options):
    """What the real and the forked process print and end with."""
    environment = os.environ | {"PLANTED": "value", "PYTHONPATH": "/nowhere"}
    environment.pop("PYTHONUNBUFFERED", None)
    return [
        subprocess.run([program, *words], cwd=folder, env=environment, text=True, check=False,
                       capture_output=True, input="given", **options)
        for program in (sys.executable, python())
    ]  # fmt: skip


def test_words_folder_environment_files_and_path_are_those_of_a_process(tmp_path):
    (tmp_path / "inside").mkdir()
    script = tmp_path / "inside" / "show.py"
    script.write_text(SHOW)
    for words in ([str(script), "a b", "-c"], ["-c", SHOW, "more"], ["-m", "inside.show", "x"]):
        real, forked = both(words, tmp_path)
        assert "given" in real.stdout and real.stdout.endswith("at exit\n")
        for name in ("stdout", "stderr", "returncode"):
            assert getattr(forked, name) == getattr(real, name), words
    assert python() != sys.executable


@pytest.mark.parametrize(
    "code",
    ["", "import sys; sys.exit(3)", "import sys; sys.exit('said')", "1/0", "raise SystemExit(None)",
     "import os; os._exit(7)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
)  # fmt: skip
def test_it_ends_as_a_process_does(tmp_path, code):
    (tmp_path / "script.py").write_text(code)
    real, forked = both(["script.py"], tmp_path)
    assert forked.returncode == real.returncode
    said = [line for line in forked.stderr.splitlines() if not line.startswith("made.forked")]
    assert said[-1:] == real.stderr.splitlines()[-1:]


def test_none_ends_without_a_word(tmp_path):
    """Killed, crashed in compiled code, gone without Python's own end, or with words that are lost."""
    kill = "import os, signal, sys; print('before', flush=True); os.kill(os.getpid(), 9)"
    _, forked = both(["-c", kill], tmp_path)
    pid = re.search(
        r"made.forked: process (\d+) was ended by SIGKILL: -c import os", forked.stderr
    )[1]
    assert f"{pid} gone: SIGKILL after " in account(500)
    _, forked = both(["-c", "import ctypes; ctypes.string_at(0)"], tmp_path)
    assert forked.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in forked.stderr
    assert 'File "<string>", line 1 in <module>' in forked.stderr and "SIGSEGV" in forked.stderr
    both(["-c", "import os; os._exit(7)"], tmp_path)
    pid = re.search(r"(\d+) forked: -c import os; os._exit\(7\)", account(500))[1]
    assert f"{pid} gone: exit status 7" in account(500)
    assert f"{pid} came to its end" not in account(500)
    lost = "import os, sys; sys.stdout.write('x'); os.close(1)"
    real, forked = both(["-c", lost], tmp_path)
    assert forked.returncode == real.returncode == 120
    assert "cannot be flushed: [Errno 9]" in forked.stderr


@pytest.mark.parametrize("received", [1, 100_000])
def test_an_ended_server_is_told(tmp_path, received):
    """By whom it leaves without an answer, and where it says why: also in the middle of a request."""
    server = subprocess.Popen(
        [sys.executable, "-c", ENDS_ON_REQUEST, str(tmp_path / "socket"), str(received)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout.readline() == "up\n"
    client = [sys.executable, forked_client.__file__, str(tmp_path / "socket"), sys.executable]
    done = subprocess.run([*client, "-c", "pass"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"made.forked: the server ended; {tmp_path}/account.txt says more\n"
    server.wait(60)


def test_the_server_has_one_thread():
    """A fork of a process with several may wait for ever for what the others had locked."""
    code = "import os; print(*os.listdir(f'/proc/{os.getppid()}/task'))"
    assert len(subprocess.check_output([python(), "-c", code], text=True).split()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_reach_it_and_nothing_outlives_who_was_killed(tmp_path, number):
    code = "import subprocess, sys; subprocess.run(['sh', '-c', 'echo $$ $PPID; exec sleep 600'])"
    process = subprocess.Popen([python(), "-c", code], stdout=subprocess.PIPE, text=True)
    shell, forked = map(int, process.stdout.readline().split())
    assert forked != process.pid or python() == sys.executable
    process.send_signal(number)
    assert process.wait(60) == -number
    if number == signal.SIGKILL and python() != sys.executable:
        wait_until(lambda: not alive(shell), 20, lambda: "what it started goes on")
    elif alive(shell):
        os.kill(shell, signal.SIGKILL)
    wait_until(lambda: not alive(forked), 20, lambda: "it goes on")


def alive(number: int) -> bool:
    """Whether a process runs (who is dead and not yet collected does not)."""
    state = subprocess.run(
        ["ps", "-o", "state=", "-p", str(number)], capture_output=True, check=False
    )
    return state.stdout.strip() not in (b"", b"Z")


def test_what_packages_read_at_import_makes_a_real_process(tmp_path):
    code = "import os, sys; print(os.getppid(), 'torch' in sys.modules)"
    (tmp_path / "sitecustomize.py").write_text("")
    for changes in ({"HF_HUB_OFFLINE": "1"}, {"PYTHONPATH": str(tmp_path)}):
        done = subprocess.check_output([python(), "-c", code], env=os.environ | changes, text=True)
        assert done.split() == [str(os.getpid()), "False"]


def test_many_run_at_one_time(tmp_path):
    code = "import sys, time; time.sleep(0.3); print(sys.argv[1])"
    running = [
        subprocess.Popen([python(), "-c", code, str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(12)
    ]
    assert [int(process.communicate()[0]) for process in running] == list(range(12))
