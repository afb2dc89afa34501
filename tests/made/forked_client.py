"""Stands in for `python`: hands its words to `forked_server`, and ends as the process made for it does.

`forked_client.py SOCKET PYTHON WORDS...` is what the shim of `made.forked` starts. Signals are passed
on; when this process is killed, the server kills what was made for it. What a fork cannot stand for is
done by PYTHON itself: options of the interpreter, files handed on by number, and an environment that
packages read when they are imported (the server says so).
"""

import marshal
import os
import signal
import socket
import sys

REAL = -1000  # in place of an exit status: PYTHON has to do it
PASSED_ON = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
ACCOUNT = "account.txt"  # beside the socket


def main(address: str, python: str, words: list[str]) -> None:
    """Hand over, wait, end in the same way."""
    script = bool(words) and not words[0].startswith("-")
    module = len(words) > 1 and words[0] == "-m"
    code = len(words) > 1 and words[0] == "-c" and "multiprocessing" not in words[1]
    status, process = handed_over(address, words) if script or module or code else (REAL, 0)
    if status == REAL:
        os.execv(python, [python, *words])
    if status < 0:
        name = signal.Signals(-status).name
        say(f"process {process} was ended by {name}: {' '.join(words)[:200]}")
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def handed_over(address: str, words: list[str]) -> tuple[int, int]:
    """Exit status (negative: the signal that ended it) and number of the process that was made."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        folder = os.getcwd()  # noqa: PTH109 (pathlib's import takes longer than all else here)
        request = marshal.dumps((words, folder, dict(os.environ), os.umask(0o22)))

        def pass_on(number, _):
            say(f"{signal.Signals(number).name} came and is passed on")
            server.send(bytes([number]))

        try:
            socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
            server.sendall(request)
            for name in PASSED_ON:
                number = getattr(signal, name)
                if signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, pass_on)
            answer = server.recv(16)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if len(answer) < 16:
            folder = os.path.dirname(address)  # noqa: PTH120
            say(f"the server ended; {folder}/{ACCOUNT} says more")
            os._exit(1)
        return (
            int.from_bytes(answer[:8], "big", signed=True),
            int.from_bytes(answer[8:], "big"),
        )


def say(words: str) -> None:
    """Print at once, without the buffers that a signal may have interrupted."""
    os.write(2, f"made.forked: {words}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
