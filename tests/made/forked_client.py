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


def main(address: str, python: str, words: list[str]) -> None:
    """Hand over, wait, end in the same way."""
    script = bool(words) and not words[0].startswith("-")
    module = len(words) > 1 and words[0] == "-m"
    code = len(words) > 1 and words[0] == "-c" and "multiprocessing" not in words[1]
    status = handed_over(address, words) if script or module or code else REAL
    if status == REAL:
        os.execv(python, [python, *words])
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def handed_over(address: str, words: list[str]) -> int:
    """Exit status of the process that the server made; negative: the signal that ended it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        folder = os.getcwd()  # noqa: PTH109 (pathlib's import takes longer than all else here)
        request = marshal.dumps((words, folder, dict(os.environ), os.umask(0o22)))
        socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(request)
        for name in PASSED_ON:
            number = getattr(signal, name)
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda number, _: server.send(bytes([number])))
        answer = server.recv(8)
        if len(answer) < 8:
            sys.exit("the server of made.forked ended")
        return int.from_bytes(answer, "big", signed=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
