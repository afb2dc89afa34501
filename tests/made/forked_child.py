"""What a forked process does (`forked_server`): be `python WORDS`, from its beginning to its end."""

import faulthandler
import importlib
import os
import random
import runpy
import signal
import sys
import tempfile
import threading
import time
import traceback
import types
from atexit import _run_exitfuncs as run_exit_functions  # as multiprocessing does after its fork
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PATH = sys.path[1:]  # without the folder of this file, and before Snakemake adds to it


def be(leave: Callable, words: list[str], *surroundings) -> NoReturn:
    """`leave` the server's things, be `python WORDS`, and note how it ended."""
    account = os.dup(1)
    try:
        leave()
        become(words, *surroundings)
        status = ended(words)
    except BaseException:  # noqa: BLE001 (nothing of this process may go on as a server)
        os.write(2, traceback.format_exc().encode())
        status = 1
    note(f"{os.getpid()} came to its end, {status}", account)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)


def become(words: list[str], folder: str, environment: dict, mask: int, files: list[int]) -> None:
    """The surroundings that a process of these words has."""
    for target, file in enumerate(files):
        os.dup2(file, target)
    os.setsid()
    for file in files:
        if file > 2:
            os.close(file)
    # as they are in a new process: what the server's own files can do (seek) these may not
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    faulthandler.enable()
    os.umask(mask)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    random.seed()
    tempfile.tempdir = None
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.executable = sys.argv[2]
    sys.orig_argv = [sys.executable, *words]
    first = "" if words[0] in ("-m", "-c") else str(Path(words[0]).resolve().parent)
    named = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [folder if words[0] == "-m" else first, *named, *PATH]
    importlib.invalidate_caches()


def run(words: list[str]) -> None:
    """What `python WORDS` does once it is up."""
    if words[0] == "-m":
        sys.argv = ["-m", *words[2:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    if words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        source, name = words[1], "<string>"
    else:
        sys.argv = list(words)
        name = main.__file__ = words[0]
        source = Path(name).read_bytes()
    exec(compile(source, name, "exec"), main.__dict__)


def ended(words: list[str]) -> int:
    """Run to the end, however that is; the exit status."""
    status = 0
    try:
        run(words)
    except SystemExit as error:
        status = error.code
    except BaseException as error:  # noqa: BLE001 (as the interpreter does)
        traceback.print_exception(error.with_traceback(error.__traceback__.tb_next))
        status = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    if not isinstance(status, int | None):
        print(status, file=sys.stderr)
        status = 1
    try:
        threading._shutdown()  # waits for threads, as an interpreter does
        run_exit_functions()
    except BaseException:  # noqa: BLE001 (as the interpreter does)
        traceback.print_exc()
    for file in (sys.stdout, sys.stderr):
        try:
            if file and not file.closed:
                file.flush()
        except OSError as error:
            os.write(2, f"made.forked: {file} cannot be flushed: {error}\n".encode())
            status = status or 120
    return status or 0


def note(words: str, file: int = 1) -> None:
    """A line for the account."""
    os.write(file, f"{time.strftime('%H:%M:%S')} {words}\n".encode())
