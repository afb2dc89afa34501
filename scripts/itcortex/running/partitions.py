"""Time limits of Slurm's partitions; a job that asks for more would wait for ever without a message."""

import math
import subprocess

from itcortex.errors import UserError

COMMAND = ("sinfo", "--noheader", "--format", "%R\t%l")


def minutes(text: str) -> float:
    """Minutes of a time limit as `sinfo` prints it: infinite, or [days-]hours:minutes:seconds.

    Leading zero parts may be missing: 30:00 is half an hour. Raises `UserError` for another form.
    """
    if text in ("infinite", "UNLIMITED", "n/a"):
        return math.inf
    days, _, clock = text.rpartition("-")
    try:
        parts = [int(part) for part in clock.split(":")]
        hours, full, seconds = [0, 0, *parts][-3:]
        return int(days or 0) * 1440 + hours * 60 + full + seconds / 60
    except ValueError:
        raise UserError(f"sinfo printed the time limit {text!r}: not [days-]h:min:s") from None


def limits(listing: str) -> dict[str, float]:
    """Minutes that every partition gives, by name, from what ``sinfo --format "%R\\t%l"`` printed."""
    rows = (line.split("\t") for line in listing.splitlines() if line.strip())
    return {name.strip(): minutes(limit.strip()) for name, limit in rows}


def require_time(
    asked: dict[str, tuple[int | None, str | None]], listing: str | None = None
) -> None:
    """Raise `UserError` for a rule that asks for more time than its partition, or any, would give.

    `asked` (minutes, partition) by rule; minutes that are no number are not known yet, a partition of
    None is chosen by Slurm. `listing` as `sinfo` prints it; it is asked where none is given.
    """
    known = limits(_listed() if listing is None else listing)
    for rule, (time, name) in asked.items():
        most = known.get(name, max(known.values(), default=math.inf))
        if isinstance(time, int) and time > most:
            where = f"partition {name} gives" if name in known else "any partition gives"
            raise UserError(
                f"rule {rule}: asks for {time} minutes, more than {where} ({most:.0f}), and would wait "
                "for ever: set its `runtime` under `set-resources` in profiles/slurm/config.yaml "
                "(a training that is ended by its limit goes on with the next attempt)"
            )


def _listed() -> str:
    try:
        return subprocess.run(COMMAND, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise UserError("sinfo: not found; start the run where Slurm's commands are") from None
    except subprocess.CalledProcessError as error:
        raise UserError(f"sinfo failed: {error.stderr.strip()}; try again later") from error
