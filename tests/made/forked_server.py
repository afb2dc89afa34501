"""A process that has imported what jobs import, and forks for each of them.

`forked_server.py SOCKET SHIM` listens there; SHIM is what the processes take for `sys.executable`. One
connection is one process, asked for by `forked_client`: words, folder, environment and the three
standard files come, an exit status goes back. The forked process is as `python WORDS` would have made
it: a session of its own, its environment, search path and `__main__`; nothing of ours is imported
before. Where that would not be true (variables that packages read at import, a sitecustomize), the
answer is `REAL`, and the client does it itself.

An empty request keeps the server alive; it ends soon after the last connection does. What it prints,
and how every process began and ended, is in the file `ACCOUNT` beside the socket.
"""

import contextlib
import gc
import importlib
import marshal
import os
import selectors
import shutil
import signal
import socket
import sys
from pathlib import Path

from forked_child import PATH, be, note
from forked_client import REAL

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
                connection.send(REAL.to_bytes(8, "big", signed=True) + bytes(8))
            elif (pid := forked()) == 0:
                return *request, files
            else:
                note(f"{pid} forked: {' '.join(request[0])[:300]} in {request[1]}")
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
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                pid, status, usage = ended
                status = os.waitstatus_to_exitcode(status)
                how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
                note(f"{pid} gone: {how} after {usage.ru_utime + usage.ru_stime:.1f} CPU s")
                answer = status.to_bytes(8, "big", signed=True) + pid.to_bytes(8, "big")
                with contextlib.suppress(OSError):  # who asked is dead already
                    self.children.pop(pid).send(answer)

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
                note(f"{pid} is killed, since who asked for it is gone")
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


def forked() -> int:
    """Fork, which only a process without further threads may: locks that these hold stay locked."""
    threads = Path("/proc/self/task")
    if len(tasks := list(threads.iterdir())) > 1:
        names = [task.joinpath("comm").read_text().strip() for task in tasks]
        raise RuntimeError(
            f"cannot be forked, with the threads {names}; see made.forked.ONE_THREAD"
        )
    return os.fork()


def import_packages() -> None:
    """Import what there is of `PACKAGES`, and timm by the way that itcortex takes."""
    for name in PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import torch

    torch.set_num_threads(1)
    with contextlib.suppress(RuntimeError):  # a torchvision that does not fit: see torch_compat
        for name in ("torchvision", "timm"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is there stays shared by all


if __name__ == "__main__":
    import_packages()
    if (pid := forked()) == 0:  # whether it can be
        os._exit(0)
    os.waitpid(pid, 0)
    server = Server(sys.argv[1])
    if request := server.serve():
        be(server.leave, *request)
    shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)
