"""What of an experiment is done, running, failed and still to do, from what a workflow leaves behind.

There are three sources, and none needs the folder's lock: the plan that Snakemake prints in a dry run
(jobs to do, with their logs), Snakemake's markers of outputs that a job has begun, and the logs, which
`itcortex.running.job` ends with a line when all went well.
"""

import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from itcortex.running.orphans import advice, live_runs

DONE = "# done in "  # how the last line of a log begins, of a job that went well
RUNNING, FAILED, OUTDATED, TO_DO = _COLUMNS = "running", "failed", "outdated", "to do"
_RULE = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):$", re.MULTILINE)
_FIELD = re.compile(r"^    (\w+): (.*)$")
_ERROR = re.compile(r"^Error in rule (\w+):$", re.MULTILINE)
_LEFT_OUT = re.compile(r"^left out: ([^:]+): (.*)$", re.MULTILINE)
_OTHERWISE = re.compile(r"^(results/\S+ was made with other settings.*)$", re.MULTILINE)
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit)\b.*", re.MULTILINE)
_TAIL_BYTES = 20_000
#: What is told of a job whose log ends without an error.
SILENT = "ended without a message: killed, out of memory or over its time"


@dataclass(frozen=True)
class PendingJob:
    """One job that is not done: its rule, outputs, logs, and why it is to be run."""

    rule: str
    outputs: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class JobState:
    """How a job stands: running, failed, outdated (its outputs are of other code, settings or inputs) or
    to do; what its log says; and where the log is."""

    job: PendingJob
    name: str
    detail: str = ""
    log: str = ""


# --- what Snakemake prints ------------------------------------------------------------------------


def planned(text: str) -> list[PendingJob]:
    """Jobs of a dry run, in its order; those without outputs (targets) are left out."""
    return [job for job in _blocks(text, _RULE) if job.outputs]


def reported(text: str) -> list[PendingJob]:
    """Jobs that failed by a run's own log; such a job may have died before it wrote a log itself."""
    return list(_blocks(text, _ERROR))


def totals(text: str) -> dict[str, int]:
    """Jobs of every rule in the table that a dry run prints first."""
    table = text.partition("Job stats:")[2].partition("\n\n")[0]
    found = dict(re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE))
    return {rule: int(count) for rule, count in found.items() if rule != "total"}


def left_out(text: str) -> dict[str, str]:
    """Models that are in the table and not in the plan, and why."""
    return dict(_LEFT_OUT.findall(text))


def made_otherwise(text: str) -> str:
    """With which settings the results were made, if a dry run says that they are others now."""
    found = _OTHERWISE.search(text)
    return found[1] if found else ""


def _blocks(text: str, start: re.Pattern) -> Iterator[PendingJob]:
    """A line that names a rule, and the indented lines below it."""
    for found in start.finditer(text):
        fields = {}
        for line in text[found.end() + 1 :].split("\n"):
            field = _FIELD.match(line)
            if not field:
                break
            fields[field[1]] = field[2]
        logs = fields.get("log", "").partition(" (check log file(s)")[0]
        yield PendingJob(
            found[1], _names(fields.get("output", "")), _names(logs), fields.get("reason", "")
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(", ") if name)


# --- what runs leave in the folder ----------------------------------------------------------------


def begun(snakemake_folder: str | Path) -> set[str]:
    """Outputs that a job has begun and not ended: Snakemake's markers, named by base64.

    A name that is too long for a file is spread over folders that begin with `@`. A marker that
    vanishes or is no such name is passed over: a run may be at work.
    """
    folder = Path(snakemake_folder, "incomplete")
    found = set()
    for marker in folder.rglob("*"):
        name = "".join(part.removeprefix("@") for part in marker.relative_to(folder).parts)
        try:
            if marker.is_file():
                found.add(urlsafe_b64decode(name).decode())
        except ValueError:
            continue
    return found


def lock_notice(snakemake_folder: str | Path) -> str:
    """What is to be said of the folder's lock; empty if no run holds it.

    A killed run leaves it behind, and a run on another machine is not seen from here.
    """
    folder = Path(snakemake_folder).resolve().parent
    said, alive = advice(folder), live_runs(folder)
    return f"a run is at work (process {alive[0]})" if said and alive else said


def tail(path: str | Path) -> str | None:
    """The end of a log; None if there is none."""
    try:
        with Path(path).open("rb") as handle:
            handle.seek(max(0, handle.seek(0, 2) - _TAIL_BYTES))
            return handle.read().decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def states(
    jobs: Iterable[PendingJob], begun: set[str], locked: bool, failures: Iterable[PendingJob] = ()
) -> list[JobState]:
    """How every job that is not done stands.

    Parameters
    ----------
    jobs : those of `planned`.
    begun : outputs, by the function of this name.
    locked : whether a run holds the folder.
    failures : those of `reported`, by the latest run's log.
    """
    known = {output: failure for failure in failures for output in failure.outputs}
    return [_state(job, begun, locked, known) for job in jobs]


def _state(
    job: PendingJob, begun: set[str], locked: bool, failures: dict[str, PendingJob]
) -> JobState:
    at_work = any(output in begun for output in job.outputs)
    log = next(iter(job.logs), "")
    if at_work and locked:
        return JobState(job, RUNNING, log=log)
    failure = next((failures[output] for output in job.outputs if output in failures), None)
    said = tail(log) if log else None
    if said is not None and not said.rstrip("\n").rpartition("\n")[2].startswith(DONE):
        raised = _RAISED.findall(said)
        return JobState(job, FAILED, raised[-1] if raised else SILENT, log)
    if failure is not None:
        logs = [name for name in failure.logs if name != log or said is not None]
        return JobState(job, FAILED, "failed before its script began", ", ".join(logs))
    if at_work:
        return JobState(job, FAILED, "interrupted: the run that began it was killed", log)
    made = all(Path(output).exists() for output in job.outputs)
    return JobState(job, OUTDATED if made else TO_DO, job.reason)


# --- what is shown --------------------------------------------------------------------------------


def shown(
    total: dict[str, int],
    found: list[JobState],
    missing: dict[str, str],
    note: str,
    settings: str = "",
) -> str:
    """A page: totals, a table of rules, failed and running jobs with their logs, models left out.

    `total` are those of `totals`, `found` those of `states`, `missing` those of `left_out`, `settings`
    that of `made_otherwise`.
    """
    counts = {name: Counter(s.job.rule for s in found if s.name == name) for name in _COLUMNS}
    pending = Counter(state.job.rule for state in found)
    done = {rule: max(count - pending[rule], 0) for rule, count in total.items()}
    sums = [f"{len([s for s in found if s.name == name])} {name}" for name in _COLUMNS]
    head = f"{sum(done.values())} of {sum(total.values())} jobs done, {', '.join(sums)}"
    width = max(map(len, [*total, "rule"]))
    lines = [
        f"{head}; {note}" if note else head,
        "",
        f"{'rule':{width}}" + "".join(f"{n:>9}" for n in ("done", *_COLUMNS)),
    ]
    for rule in total:
        row = [done[rule], *(counts[name][rule] for name in _COLUMNS)]
        lines.append(f"{rule:{width}}" + "".join(f"{n or '-':>9}" for n in row))
    for name in (FAILED, RUNNING):
        lines += _listed(name, [state for state in found if state.name == name])
    if missing:
        lines += ["", "left out:", *(f"  {model}: {why}" for model, why in missing.items())]
    lines += ["", settings] if settings else []
    return "\n".join(lines) + "\n"


def _listed(name: str, found: list[JobState]) -> Iterator[str]:
    """Jobs of one state: rule and first output, what went wrong, where the log is."""
    if found:
        yield from ("", f"{name}:")
    for state in found:
        yield f"  {state.job.rule}: {state.job.outputs[0]}"
        if state.detail:
            yield f"    {state.detail}"
        yield f"    log: {state.log or 'none'}"
