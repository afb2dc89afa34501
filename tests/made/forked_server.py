"""A process that has imported what jobs import, and forks for each of them.

`forked_server.py SOCKET SHIM` listens there; SHIM is what the processes take for `sys.executable`. One
connection is one process, asked for by `forked_client`: words, folder, environment and the three
standard files come, an exit status goes back. The forked process is as `python WORDS` would have made
it: a session of its own, its environment, search path and `__main__`; nothing of ours is imported
before. Where that would not be true (variables that packages read at import, a sitecustomize), the
answer is `REAL`, and the client does it itself.

An empty request keeps the server alive; it ends soon after the last connection does.
"""

import contextlib
import gc
import importlib
import marshal
import os
import random
import runpy
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
import types
from atexit import _run_exitfuncs as run_exit_functions  # as multiprocessing does after its fork
from pathlib import Path

from forked_client import REAL

PATH = sys.path[1:]  # without the folder of this file, and before Snakemake adds to it
sys.path[:] = PATH
#: What the workflow's jobs, and Snakemake itself, import; nothing of ours.
PACKAGES = [
    "snakemake.cli", "snakemake.report.html_reporter", "snakemake_executor_plugin_slurm",
    "snakemake_executor_plugin_slurm_jobstep", "snakemake_logger_plugin_rich.handler", "jsonschema",
    "smart_open", "requests", "pooch", "tenacity", "filelock", "h5py", "pandas", "pyarrow.parquet",
    "PIL.Image", "yaml", "pulp", "jinja2", "markdown_it", "sklearn.cross_decomposition", "skimage.data",
    "scipy.io", "scipy.ndimage", "scipy.optimize", "scipy.stats", "threadpoolctl", "tqdm",
    "matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf", "seaborn",
    "torch", "torch.utils.data", "torch.distributed", "torch.nn.parallel", "safetensors.torch",
]  # fmt: skip
#: Beginnings of the names of variables that packages read when they are imported.
READ_AT_IMPORT = ("HF_", "HUGGINGFACE_", "TORCH", "PYTORCH", "MPL", "PYTHON", "LD_", "HOME", "XDG_")
STARTED_WITH = dict(os.environ)  # some packages write into it when they are imported
HARMLESS = {"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "MPLBACKEND"}


class Server:
    """Connections, and which process belongs to which."""

    def __init__(self, address: str):
        self.selector = selectors.DefaultSelector()
        self.children: dict[int, socket.socket] = {}
        self.patience = 60  # seconds to wait for a connection while there is none
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen(128)
        self.woken, waker = socket.socketpair()
        waker.setblocking(False)
        self.woken.setblocking(False)
        self.waker = waker
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for file in (self.listener, self.woken):
            self.selector.register(file, selectors.EVENT_READ)

    def serve(self) -> tuple | None:
        """Request of a process that was forked just now (in that process), or None at the end."""
        while events := self.selector.select(self.patience if self.alone() else None):
            for key, _ in events:
                if key.fileobj is self.listener:
                    if request := self.accepted():
                        return request
                elif key.fileobj is self.woken:
                    self.reap()
                else:
                    self.pass_on(key.fileobj)
        return None

    def alone(self) -> bool:
        """Whether nobody is connected."""
        return len(self.selector.get_map()) == 2

    def accepted(self) -> tuple | None:
        """Take a connection; the request, in the process forked for it."""
        self.patience = 2
        connection, _ = self.listener.accept()
        head, files, _, _ = socket.recv_fds(connection, 8, 3)
        length = int.from_bytes(head, "big") if len(head) == 8 else 0
        data = b""
        while len(data) < length and (part := connection.recv(length - len(data))):
            data += part
        if length and len(data) < length:
            connection.close()
            return None
        self.selector.register(connection, selectors.EVENT_READ)
        if length:
            request = marshal.loads(data)
            if not stands_for(request[2]):
                connection.send(REAL.to_bytes(8, "big", signed=True))
            elif (pid := os.fork()) == 0:
                return *request, files
            else:
                self.children[pid] = connection
        else:
            connection.send(head)  # up
        for file in files:
            os.close(file)
        return None

    def reap(self) -> None:
        """Tell how processes ended."""
        with contextlib.suppress(BlockingIOError):
            self.woken.recv(1024)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                status = os.waitstatus_to_exitcode(ended[1])
                connection = self.children.pop(ended[0])
                with contextlib.suppress(OSError):  # who asked is dead already
                    connection.send(status.to_bytes(8, "big", signed=True))

    def pass_on(self, connection: socket.socket) -> None:
        """Pass on signals; without anybody at the other end, kill."""
        try:
            numbers = connection.recv(64)
        except ConnectionResetError:
            numbers = b""
        pid = next((pid for pid, c in self.children.items() if c is connection), None)
        if not numbers:
            self.selector.unregister(connection)
            connection.close()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                for number in numbers:
                    os.kill(pid, number)
            if not numbers:
                for kill in (os.killpg, os.kill):  # it may not have made its group yet
                    with contextlib.suppress(ProcessLookupError):
                        kill(pid, signal.SIGKILL)

    def leave(self) -> None:
        """In a forked process: nothing of the server stays."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for file in [key.fileobj for key in self.selector.get_map().values()] + [self.waker]:
            file.close()
        self.selector.close()


def stands_for(environment: dict[str, str]) -> bool:
    """Whether packages would have read the same at import."""

    def read(variables):
        return {
            name: value for name, value in variables.items()
            if name.startswith(READ_AT_IMPORT) and name not in HARMLESS
        }  # fmt: skip

    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    customized = any((Path(path) / "sitecustomize.py").exists() for path in paths if path)
    return read(environment) == read(STARTED_WITH) and not customized


def become(words: list[str], folder: str, environment: dict, mask: int, files: list[int]) -> None:
    """The surroundings that a process of these words has."""
    os.setsid()
    for target, file in enumerate(files):
        os.dup2(file, target)
    for file in files:
        if file > 2:
            os.close(file)
    # as they are in a new process: what the server's own files can do (seek) these may not
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
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
    except KeyboardInterrupt:
        status = -signal.SIGINT
    except BaseException as error:  # noqa: BLE001 (as the interpreter does)
        traceback.print_exception(error.with_traceback(error.__traceback__.tb_next))
        status = 1
    if not isinstance(status, int | None):
        print(status, file=sys.stderr)
        status = 1
    with contextlib.suppress(Exception):
        threading._shutdown()  # waits for threads, as an interpreter does
    run_exit_functions()
    for file in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            file.flush()
    return status or 0


def import_packages() -> None:
    """Import what there is of `PACKAGES`, and timm by the way that itcortex takes."""
    for name in PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import torch

    torch.set_num_threads(1)  # a process that has had threads cannot be forked
    with contextlib.suppress(RuntimeError):  # a torchvision that does not fit: see torch_compat
        for name in ("torchvision", "timm"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there stays shared by all


if __name__ == "__main__":
    import_packages()
    server = Server(sys.argv[1])
    if request := server.serve():
        server.leave()
        become(*request)
        status = ended(request[0])
        if status < 0:
            signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        os._exit(status & 0xFF)
    shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)
