"""The one way to run a rule's script: a log, as many threads as the rule has, clear errors.

The workflow's `script:` injects an object that holds a rule's inputs, outputs, params and log.
It is handed in by the script; nothing here knows where it came from.
"""

import contextlib
import platform
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from threadpoolctl import threadpool_limits

from itcortex.errors import UserError
from itcortex.running import devices, stamp
from itcortex.running.log import logged_to
from itcortex.running.memory import keep_freed_memory

NOT_FOR_MAIN = {"code"}  # the code fingerprint decides re-runs; no script needs its value


def header(rule: str, wildcards: dict, params: dict, threads: int) -> str:
    """First lines of a log: what ran, with which versions, device, threads and seed."""
    versions = [f"{name} {version}" for name, version in stamp.versions().items()]
    lines = [
        f"rule {rule} {wildcards or ''}".rstrip(),
        f"python {platform.python_version()} on {platform.platform()}",
        ", ".join(versions),
        f"device {params.get('device', 'cpu')}, threads {threads}, seed {params.get('seed', 'none')}",
    ]
    return "".join(f"# {line}\n" for line in lines)


def _gpus(snakemake) -> int:
    """GPUs to take for a job: what its rule asks for, unless the settings name one (cuda:1)."""
    named = ":" in str(snakemake.params.get("device", ""))
    return 0 if named else int(snakemake.resources.get("gpu", 0))


def run(main: Callable, snakemake, **more) -> None:
    """Call `main` with the rule's named inputs, outputs and params; all output goes to the rule's log.

    What modules and scripts log is shown there too, see `itcortex.running.log`. `more` are arguments
    that a script takes from elsewhere because they must not decide whether a job is run again.

    A `UserError` is shown on the terminal as one message; any other exception with its traceback.
    Both leave the full traceback in the log and end the job with status 1.
    """
    keep_freed_memory()
    params = {k: v for k, v in snakemake.params.items() if k not in NOT_FOR_MAIN}
    log_path = Path(snakemake.log[0])
    log_path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log_path.open("w", buffering=1, encoding="utf-8") as log:
        log.write(header(snakemake.rule, dict(snakemake.wildcards), params, snakemake.threads))
        try:
            with (
                contextlib.redirect_stdout(log),
                contextlib.redirect_stderr(log),
                logged_to(log),
                threadpool_limits(snakemake.threads),
                devices.taken(_gpus(snakemake)),
                stamp.stamped(snakemake.rule, snakemake.params.get("code", "")),
            ):
                main(**snakemake.input, **snakemake.output, **params, **more)
        except Exception as error:
            traceback.print_exc(file=log)
            if isinstance(error, UserError):
                sys.__stderr__.write(f"\nError in {snakemake.rule}: {error}\n(log: {log_path})\n")
                raise SystemExit(1) from None
            raise
        log.write(f"# done in {time.monotonic() - started:.1f} s\n")
