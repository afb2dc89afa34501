"""No rule: `make status` shows what of an experiment is done, running, failed and still to do.

    python scripts/status.py [arguments for Snakemake, as --configfile experiments/macaque.yaml]

It plans twice without running anything and works while a run holds the folder's lock.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from itcortex.running import status

FOLDER = Path(".snakemake")


def main(arguments: list[str]) -> int:
    """Print the page; returns Snakemake's exit status if it cannot plan."""
    ways = [arguments, [*arguments, "--forceall", "--quiet", "rules"]]
    with ThreadPoolExecutor() as pool:
        plan, whole = pool.map(_dry_run, ways)
    for run in (plan, whole):
        if run.returncode:
            sys.stderr.write(run.stdout)
            return run.returncode
    begun, lock = status.begun(FOLDER), status.lock_notice(FOLDER)
    failures = status.reported(_latest_log())
    found = status.states(status.planned(plan.stdout), begun, bool(lock), failures)
    targets = {"all", *arguments}
    total = {rule: n for rule, n in status.totals(whole.stdout).items() if rule not in targets}
    told = status.left_out(plan.stdout), lock, status.made_otherwise(plan.stdout)
    print(status.shown(total, found, *told), end="")
    return 0


def _dry_run(arguments: list[str]) -> subprocess.CompletedProcess:
    """What Snakemake would do; it neither waits for a lock nor takes one."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--nocolor", *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _latest_log() -> str:
    """Snakemake's own log of the latest run that began a job; dry runs write none."""
    logs = sorted(FOLDER.glob("log/*.snakemake.log"), key=lambda path: path.name, reverse=True)
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in logs)
    return next((text for text in texts if "Select jobs to execute" in text), "")


if __name__ == "__main__":
    sys.stdout.reconfigure(
        errors="backslashreplace"
    )  # logs hold letters that a terminal may not have
    sys.exit(main(sys.argv[1:]))
