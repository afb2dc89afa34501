"""What the jobs of a plan ask for against what there is: refused before any of them starts.

Jobs are Snakemake's: `job.rule.name`, and `job.resources`, a mapping.
"""

from collections.abc import Iterable
from typing import Any

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


def require_time(jobs: Iterable[Any]) -> None:
    """Raise `UserError` if a job asks for more time than Slurm's partitions give."""
    partitions.require_time(
        {
            job.rule.name: (job.resources.get("runtime"), job.resources.get("slurm_partition"))
            for job in sorted(jobs, key=_minutes)
        }
    )


def _minutes(job: Any) -> int:
    """Minutes that a job asks for; 0 where that is not known before its inputs are there."""
    minutes = job.resources.get("runtime")
    return minutes if isinstance(minutes, int) else 0
