"""Slurm jobs that a dead run left behind, and how they are told from those of a living run.

The executor plugin names all jobs of a run by one random id and starts them in the run's folder. A run
that is killed leaves its jobs in the queue; a new run would submit the same jobs beside them.
"""

import getpass
import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from itcortex.errors import UserError

#: Fields of `squeue --format`, one job on each line. The folder is last: it may hold any character.
FORMAT = "%F\t%j\t%T\t%k\t%Z"
#: Seconds to wait for cancelled jobs; Slurm kills what does not end by itself after KillWait (30 s).
SECONDS = 120
_RUN = re.compile(r"(?:[\w-]{1,50}_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class SlurmJob:
    """One job in Slurm's queue, as the executor plugin submitted it."""

    number: str
    run: str
    state: str
    made: str
    folder: Path


def parse(listing: str) -> list[SlurmJob]:
    """Jobs of workflow runs in what ``squeue --noheader --format FORMAT`` printed.

    Jobs that are not named by the id of a run are somebody's own and left out. An array of jobs is
    one. Raises `UserError` for a line of another form.
    """
    jobs = {}
    for line in filter(str.strip, listing.splitlines()):
        fields = line.split("\t", 4)
        if len(fields) != 5:
            raise UserError(f"squeue printed {line!r}, not five fields; is it Slurm's own squeue?")
        number, run, state, made, folder = (field.strip() for field in fields)
        if _RUN.fullmatch(run):
            jobs[number] = SlurmJob(number, run, state, made, Path(folder))
    return list(jobs.values())


def of_folder(jobs: list[SlurmJob], folder: Path) -> list[SlurmJob]:
    """Jobs that were submitted from a folder, however its path is written."""
    return [job for job in jobs if job.folder.resolve() == folder.resolve()]


def live_runs(folder: Path, processes: Path = Path("/proc")) -> list[int]:
    """Process ids, on this machine, of other Snakemake runs in a folder; their jobs do not count.

    Another user's process does not show its folder: see `FolderLock.owner`.
    """
    found = []
    for process in processes.glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            here = (process / "cwd").resolve(strict=True) == folder.resolve()
        except OSError:  # it has ended, or is another user's
            continue
        if here and _is_run(words) and int(process.name) != os.getpid():
            found.append(int(process.name))
    return sorted(found)


def _is_run(words: list[str]) -> bool:
    """True for a Python whose first words name `snakemake`; jobs of a run have a --mode."""
    names = [Path(word).name for word in words[:6]]
    is_python = names[0].startswith(("python", "pypy", "snakemake"))
    return is_python and "snakemake" in names and "--mode" not in words


# --- locks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FolderLock:
    """Who holds a folder: the user, and the machine of the run, empty if no log tells it."""

    owner: str
    host: str


def lock_of(folder: Path) -> FolderLock | None:
    """The lock of a workflow's folder; None if nothing holds it."""
    state = folder / ".snakemake"
    locks = sorted((state / "locks").glob("*.lock"))
    if not locks:
        return None
    hosts = [_host(path) for path in sorted((state / "log").glob("*.snakemake.log"))]
    return FolderLock(_owner(locks[0]), next((host for host in reversed(hosts) if host), ""))


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # a user without a name
        return str(path.stat().st_uid)


def _host(log: Path) -> str:
    """The machine that a run names in its log; empty for one that did not get the lock."""
    text = log.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^  Host: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found and "LockException" not in text else ""


def require_dead(folder: Path, ended: bool = False) -> None:
    """Raise `UserError` unless the run that holds a folder is dead, as far as can be seen from here.

    `ended`: the user knows that a run on another machine, or of another user, has ended.
    """
    if alive := live_runs(folder):
        raise UserError(
            f"{folder}: a run is alive here (process {alive[0]} on {platform.node()}): wait for it, "
            f"or stop it and its jobs with Ctrl-C or `kill -INT {alive[0]}`"
        )
    lock = lock_of(folder)
    if lock is None or ended:
        return
    if lock.owner != getpass.getuser():
        raise UserError(
            f"{folder}: is locked by a run of {lock.owner}: ask, or let {lock.owner} do this"
        )
    if not lock.host:
        raise UserError(
            f"{folder / '.snakemake' / 'log'}: no log says on which machine the run was started that "
            "holds the lock in .snakemake/locks; make sure that it has ended, then add --force"
        )
    if lock.host != platform.node():
        raise UserError(
            f"{folder}: the last run was started on {lock.host}, this is {platform.node()}: run this "
            "there, or make sure that the run has ended and add --force"
        )


def advice(folder: Path) -> str:
    """What to do about a folder that is locked; empty if it is not."""
    folder = folder.resolve()
    if lock_of(folder) is None:
        return ""
    try:
        require_dead(folder)
    except UserError as error:
        return str(error)
    return (
        f"{folder}: is locked by a run that was killed: `make cancel-orphans` cancels what is left of "
        "its jobs, if it had any on Slurm, and unlocks the folder; then run again"
    )


# --- jobs of a dead run ---------------------------------------------------------------------------


def may_exist(folder: Path) -> bool:
    """True if a run in this folder ever submitted jobs to Slurm, by Snakemake's own logs."""
    logs = (folder / ".snakemake" / "log").glob("*.snakemake.log")
    return any("SLURM run ID" in log.read_text(encoding="utf-8", errors="replace") for log in logs)


def queued(folder: Path) -> list[SlurmJob]:
    """The user's jobs that were submitted from a folder and are in the queue or just ending.

    Raises `UserError` where there is no Slurm, or where it does not answer.
    """
    words = ["squeue", "--noheader", "--user", getpass.getuser(), "--format", FORMAT]
    return of_folder(parse(_printed(words)), folder)


def cancel(folder: Path) -> list[SlurmJob]:
    """Cancel the jobs that were submitted from a folder, and return them once they have ended.

    Raises `UserError` for jobs that do not end.
    """
    found = queued(folder)
    if found:
        _printed(["scancel", *(job.number for job in found)])
    deadline = time.monotonic() + SECONDS
    while left := queued(folder):
        if time.monotonic() > deadline:
            names = ",".join(job.number for job in left)
            raise UserError(f"jobs {names} do not end; see `squeue --jobs {names}`, then try again")
        time.sleep(1)
    return found


def _printed(words: list[str]) -> str:
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise UserError(f"{words[0]}: not found; run this where Slurm's commands are") from None
    except subprocess.CalledProcessError as error:
        raise UserError(f"{words[0]} failed: {error.stderr.strip()}; try again later") from error
