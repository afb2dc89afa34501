"""Slurm jobs that a dead run left behind, and runs that are still alive, told from one another.

The executor plugin names all jobs of a run by one random id and starts them in the run's folder. A run
that is killed leaves its jobs in the queue; a new run would submit the same jobs beside them.
"""

import getpass
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from itcortex.errors import UserError

#: Fields of `squeue --format`, one job a line. The folder is last: it may hold anything.
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
    """Process ids, on this machine, of Snakemake runs in a folder; their jobs do not count."""
    found = []
    for process in processes.glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            here = (process / "cwd").resolve(strict=True) == folder.resolve()
        except OSError:  # it has ended, or is another user's
            continue
        if here and _is_run(words):
            found.append(int(process.name))
    return sorted(found)


def _is_run(words: list[str]) -> bool:
    """True for the command line of `snakemake` itself; jobs are told by their --mode."""
    started = [Path(word).name for word in words[:3]]
    return "snakemake" in started and "--mode" not in words


def host_of_lock(folder: Path, ended: bool = False) -> str:
    """The machine where the run that holds a folder's lock was started; empty without a lock.

    `ended`: the user knows that the run has ended, which makes the lock void. Raises `UserError` if
    there is a lock and no log that says where it comes from.
    """
    state = folder / ".snakemake"
    if ended or not any((state / "locks").glob("*.lock")):
        return ""
    hosts = [_host(path) for path in sorted((state / "log").glob("*.snakemake.log"))]
    named = [host for host in hosts if host]
    if not named:
        raise UserError(
            f"{state / 'log'}: no log says on which machine the run was started that holds the lock "
            "in .snakemake/locks; make sure that it has ended, then add --force"
        )
    return named[-1]


def _host(log: Path) -> str:
    with log.open(errors="replace") as lines:
        found = [line.split("Host:", 1)[1].strip() for line in lines if "  Host:" in line]
    return found[0] if found else ""


def queued(folder: Path) -> list[SlurmJob]:
    """Jobs of one's own that were submitted from a folder and are in the queue, or end just now.

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
