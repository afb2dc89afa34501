"""A Slurm cluster of three nodes on this machine: started for tests, stopped by process id.

Everything is in one folder: configuration, keys, logs, state. Nothing outside of it is read or
written, so that it runs beside a real Slurm, and as any user. Two GPUs are made up: Slurm wants
character devices for them, and /dev/null and /dev/zero are.

By hand: `PYTHONPATH=tests python -m made.slurm_cluster FOLDER` starts one, says how to use it, and
stops it at Ctrl-C.
"""

import contextlib
import getpass
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from made.patience import FACTOR

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
INSTALL = "apt-get install -y slurm-wlm munge"
DAEMONS = {"PATH": os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])}
NODES = ("cpu1", "cpu2", "gpu1")
CONFIGURATION = """
ClusterName=itcortex
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CryptoType=crypto/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/log/slurmctld
SlurmdLogFile={folder}/log/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_min_interval=100000,sched_interval=2,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
MinJobAge=86400
GresTypes=gpu
NodeName=cpu[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{cpu_ports}] CPUs=3 RealMemory=12000
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={gpu_port} CPUs=8 RealMemory=12000 Gres=gpu:2
PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=3-0 PriorityTier=1
PartitionName=gpu Nodes=gpu1 MaxTime=3-0 PriorityTier=1 GraceTime={grace}
PartitionName=urgent Nodes=gpu1 MaxTime=3-0 PriorityTier=9
"""
DEVICES = """
NodeName=gpu1 AutoDetect=off Name=gpu File=/dev/null
NodeName=gpu1 AutoDetect=off Name=gpu File=/dev/zero
"""
#: A job step of the executor plugin drops SLURM_CONF: this `srun` puts it back.
STEP = """#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


def lacking() -> str:
    """Why no cluster can be started here, with the remedy; empty where one can."""
    if not sys.platform.startswith("linux"):
        return "Slurm runs on Linux only"
    gone = [name for name in PROGRAMS if not shutil.which(name, path=DAEMONS["PATH"])]
    return f"not installed: {', '.join(gone)} (Debian, Ubuntu: {INSTALL})" if gone else ""


class Cluster:
    """Munge, one controller and three nodes on loopback: `cpu1` and `cpu2` (3 CPUs each), `gpu1`
    (4 CPUs, 2 GPUs); partitions `cpu` (default), `gpu`, and `urgent`, which preempts `gpu`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.environment = {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": os.pathsep.join([str(folder / "bin"), DAEMONS["PATH"]]),
        }

    def start(self) -> None:
        """Write the configuration, start all daemons, wait until every node is idle."""
        self._write()
        munge = self.folder / "munge"
        files = [f"--{kind}-file={munge / kind}" for kind in ("key", "pid", "log", "seed")]
        socket_option = f"--socket={munge / 'socket'}"
        self._launch("munged", "--foreground", socket_option, *files, "--num-threads=2")
        self._wait("munge's socket", (munge / "socket").exists)
        self.start_accounting()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        self.wait_for_nodes()

    def start_accounting(self) -> None:
        """Start what keeps accounts: nothing here; see `accounting.Accounted`."""

    def start_controller(self) -> None:
        """Start the controller; it goes on from its saved state."""
        self._launch("slurmctld", "-D")
        self._wait("the controller", lambda: "is UP" in self.command("scontrol", "ping"))

    def start_node(self, name: str) -> None:
        """Start the daemon of one node."""
        (self.folder / "spool" / name).mkdir(exist_ok=True)
        self._launch("slurmd", "-D", "-N", name, key=name)

    def mend(self) -> None:
        """Start what a test that failed has left dead."""
        ended = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
        if "slurmctld" not in self.daemons or "slurmctld" in ended:
            self.start_controller()
        gone = [name for name in NODES if name not in self.daemons or name in ended]
        for name in gone:
            self.start_node(name)
        if gone:
            self.wait_for_nodes()

    def wait_for_nodes(self) -> None:
        """Wait until every node takes jobs."""

        def ready():
            states = self.command("sinfo", "-h", "-N", "-p", "cpu,gpu", "-o", "%T").split()
            return len(states) == len(NODES) and set(states) <= {"idle", "mixed", "allocated"}

        self._wait("the nodes", ready)

    def wait_until_saved(self, job: str) -> None:
        """Wait until the controller has saved a job as it is now, which it does every few seconds."""
        word = f"saved-{job}"
        self.command("scontrol", "update", f"JobId={job}", f"AdminComment={word}", check=True)
        saved = self.folder / "state" / "job_state"
        self._wait("a saved state", lambda: word.encode() in saved.read_bytes())

    def kill(self, name: str) -> None:
        """Kill one daemon, and with a node's all its jobs' processes: the machine lost power."""
        self._end(self.daemons.pop(name), signal.SIGKILL)
        if name in NODES:
            for pid in self._processes():
                if self._variable(pid, "SLURMD_NODENAME") == name or self._is_step_of(pid, name):
                    self._kill(pid)

    def stop(self) -> None:
        """End all jobs and daemons, by process id."""
        if "slurmctld" in self.daemons:
            self.command("scancel", "--user", getpass.getuser())
            self._wait("jobs to end", lambda: not self.command("squeue", "-h"), 20, fail=False)
        for daemon in reversed(list(self.daemons.values())):
            self._end(daemon, signal.SIGTERM)
        self.daemons.clear()
        for pid in self._processes():  # steps that outlived their node's daemon
            self._kill(pid)

    def command(self, *words: str, check: bool = False) -> str:
        """Output of one of Slurm's commands, such as `squeue`."""
        done = subprocess.run(
            words, env=os.environ | self.environment, text=True, capture_output=True, check=False,
            timeout=60,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """The controller's record of every job since it was set up, in the order of submission."""
        text = self.command("scontrol", "--oneliner", "--all", "show", "job", check=True)
        records = [
            dict(re.findall(r"(?:^| )([\w:/&]+)=(.*?)(?= [\w:/&]+=|$)", line.strip()))
            for line in text.splitlines()
            if line.startswith("JobId=")
        ]
        return sorted(records, key=lambda record: int(record["JobId"]))

    def completed(self) -> str:
        """Slurm's text record of jobs that have ended."""
        path = self.folder / "jobs.txt"
        return path.read_text() if path.exists() else ""

    def _write(self) -> None:
        for name in ("munge", "state", "spool", "log", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # munge wants its socket to be reachable by all
        key = self.folder / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        ports = free_ports(4)
        text = CONFIGURATION.format(
            folder=self.folder, host=socket.gethostname().split(".")[0], user=getpass.getuser(),
            ctld_port=ports[0], cpu_ports=f"{ports[1]},{ports[2]}", gpu_port=ports[3],
            grace=int(20 * FACTOR),
        )  # fmt: skip
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text(DEVICES)
        shim = self.folder / "bin" / "srun"
        srun = shutil.which("srun", path=DAEMONS["PATH"])
        shim.write_text(STEP.format(folder=self.folder, srun=srun))
        shim.chmod(0o755)

    def _launch(self, program: str, *options: str, key: str = "") -> None:
        with (self.folder / "log" / f"{key or program}.out").open("ab") as output:
            self.daemons[key or program] = subprocess.Popen(
                [shutil.which(program, path=DAEMONS["PATH"]), *options],
                env=os.environ | self.environment, stdout=output, stderr=output,
                start_new_session=True, cwd=self.folder,
            )  # fmt: skip

    def _wait(self, what: str, ready, seconds: float = 30, fail: bool = True) -> None:
        deadline = time.monotonic() + FACTOR * seconds
        while not ready():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if time.monotonic() > deadline or dead:
                if fail:
                    raise RuntimeError(f"waited for {what}; ended: {dead}\n{self.logs()}")
                return
            time.sleep(0.1)

    def logs(self) -> str:
        """The last lines of all daemons' logs."""
        paths = [*(self.folder / "log").iterdir(), self.folder / "munge" / "log"]
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:])
            for path in paths
            if path.exists()
        )

    @staticmethod
    def _end(daemon: subprocess.Popen, number: signal.Signals) -> None:
        if daemon.poll() is None:
            daemon.send_signal(number)
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _processes(self) -> list[int]:
        """Processes other than this one that were started with this cluster's configuration."""
        conf = self.environment["SLURM_CONF"]
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        others = (pid for pid in pids if pid != os.getpid())
        return [pid for pid in others if self._variable(pid, "SLURM_CONF") == conf]

    @staticmethod
    def _kill(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, signal.SIGKILL)

    @staticmethod
    def _variable(pid: int, name: str) -> str:
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            return ""
        found = [e for e in entries if e.startswith(f"{name}=".encode())]
        return found[0].split(b"=", 1)[1].decode() if found else ""

    def _is_step_of(self, pid: int, node: str) -> bool:
        """Whether a process is a job's or step's supervisor (slurmstepd) on a node."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            opened = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            return False
        return b"slurmstepd" in words and any(f"/log/{node}" in name for name in opened)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, and that no connection is given meanwhile.

    They are below those that the system gives to connections (32768 and up on Linux): while a daemon is
    away, its port could be given to one, even to the one that asks for the daemon, which then speaks to
    itself.
    """
    found: list[int] = []
    with contextlib.ExitStack() as kept:
        for port in random.SystemRandom().sample(range(20_000, 32_000), 1000):
            one = kept.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
    raise RuntimeError(f"no {count} free ports from 20000 to 31999")


if __name__ == "__main__":
    if lacking():
        sys.exit(lacking())
    cluster = Cluster(Path(sys.argv[1]).resolve())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored after a shell's &
    cluster.start()
    try:
        for variable, value in cluster.environment.items():
            print(f"export {variable}={value}", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        cluster.stop()
