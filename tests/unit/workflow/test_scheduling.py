"""Snakemake's default rate limit is taken off its scheduler; a user's own stays."""

from types import SimpleNamespace

import pytest
from snakemake.scheduling.job_scheduler import JobRateLimiter
from snakemake.settings.types import MaxJobsPerTimespan

from itcortex.workflow.scheduling import without_default_limit


def limited(text):
    return SimpleNamespace(job_rate_limiter=JobRateLimiter(MaxJobsPerTimespan.parse_choice(text)))


def test_the_default_limit_goes():
    scheduler = limited("100/1s")  # what Snakemake's command line has as its default
    without_default_limit(scheduler)
    assert scheduler.job_rate_limiter is None
    without_default_limit(scheduler)
    without_default_limit(SimpleNamespace())  # another Snakemake


@pytest.mark.parametrize("text", ["10/1s", "100/1m"])
def test_a_limit_that_was_asked_for_stays(text):
    scheduler = limited(text)
    without_default_limit(scheduler)
    assert scheduler.job_rate_limiter is not None


def test_the_default_is_that_of_the_installed_snakemake():
    from snakemake.cli import get_argument_parser

    default = get_argument_parser().get_default("max_jobs_per_timespan")
    default = MaxJobsPerTimespan.parse_choice(default) if isinstance(default, str) else default
    scheduler = SimpleNamespace(job_rate_limiter=JobRateLimiter(default))
    without_default_limit(scheduler)
    assert scheduler.job_rate_limiter is None
