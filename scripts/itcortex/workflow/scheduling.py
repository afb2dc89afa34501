"""Snakemake's limit of the number of jobs a second, which costs more than it saves."""

from typing import Any

#: `--max-jobs-per-timespan` where nobody sets it: jobs, seconds.
DEFAULT_LIMIT = (100, 1)


def without_default_limit(scheduler: Any) -> None:
    """Take the default limit off Snakemake's scheduler; one that a user set stays.

    With a limit, Snakemake 9 looks for jobs once more every second for every job that has ended: after
    some hundred jobs it does nothing else, and takes a core from the jobs. No run of ours starts a
    hundred jobs in a second.
    """
    limit = getattr(scheduler, "job_rate_limiter", None)
    if limit is not None and (limit.max_jobs, limit.timespan) == DEFAULT_LIMIT:
        scheduler.job_rate_limiter = None
