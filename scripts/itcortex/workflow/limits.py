"""What the jobs of a plan ask for against what there is: refused before any of them starts.

Jobs are Snakemake's: `job.rule.name`, and `job.resources`, a mapping.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from itcortex.downloads.fetch import MIRROR
from itcortex.downloads.responses import unknown_host
from itcortex.errors import UserError
from itcortex.running import devices, partitions


def require_gpus(jobs: Iterable[Any]) -> None:
    """Raise `UserError` if a job wants more GPUs than this machine has, or than the run may use.

    Snakemake cuts what a job asks for to the run's limit (`resources: gpu` of the profile): a training
    of several processes would begin with fewer GPUs than it has processes.
    """
    asked = [job.resources for job in jobs if job.resources.get("gpu", 0)]
    wanted = max((max(int(one["gpu"]), int(one.get("processes", 1))) for one in asked), default=0)
    allowed = max((int(one["gpu"]) for one in asked), default=0)
    if wanted > allowed:
        raise UserError(
            f"config: device: a training has {wanted} processes, each with a GPU of its own, but "
            f"runs may use {allowed}; set `resources: gpu: {wanted}` in profiles/default/config.yaml, "
            "or fewer `processes`"
        )
    devices.require(wanted)


def require_alone(jobs: Iterable[Any], rule: str) -> None:
    """Raise `UserError` if a rule is run beside others.

    Where models are only to be checked, rows of the model table that are wrong are let pass: other jobs
    would go on without them.
    """
    others = sorted({job.rule.name for job in jobs} - {rule})
    if others:
        raise UserError(f"{rule}: runs alone, and {others[0]} is asked for as well; run it before")


def require_time(jobs: Iterable[Any]) -> None:
    """Raise `UserError` if a job asks for more time than Slurm's partitions give."""
    partitions.require_time(
        {
            job.rule.name: (job.resources.get("runtime"), job.resources.get("slurm_partition"))
            for job in sorted(jobs, key=_minutes)
        }
    )


def require_network(jobs: Iterable[Any], addresses: dict[str, Callable[[Any], list[str]]]) -> None:
    """Raise `UserError` if all is to be staged (rule `stage_data`) and there is no network.

    `addresses` are functions of a job's wildcards, by rule: from where the job may download. There is
    no network if not one of the hosts can be resolved. A mirror may have everything: with one, each
    job finds out by itself.
    """
    jobs = list(jobs)
    if os.environ.get(MIRROR) or not any(job.rule.name == "stage_data" for job in jobs):
        return
    urls = [url for job in jobs for url in addresses.get(job.rule.name, _none)(job.wildcards)]
    hosts = {urlsplit(url).hostname: url for url in urls}
    if hosts and all(unknown_host(url) for url in hosts.values()):
        raise UserError(
            f"no network: none of the names {', '.join(sorted(hosts))} can be resolved here; stage "
            "where there is a network, or give a mirror (make stage MIRROR=folder). HF_HUB_OFFLINE=1 "
            "takes weights from the cache of the Hugging Face hub alone"
        )


def _none(_wildcards: Any) -> list[str]:
    return []


def _minutes(job: Any) -> int:
    """Minutes that a job asks for; 0 where that is not known before its inputs are there."""
    minutes = job.resources.get("runtime")
    return minutes if isinstance(minutes, int) else 0
