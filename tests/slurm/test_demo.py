"""The reduced demo through Slurm: every job a Slurm job, and the tables of a run on this machine."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from made.demo import Workflow
from made.slurm_line import SLURM, Run, environment

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(900)]

LOCAL = {"all", "fetch_weights", "judge_recordings"}  # `localrules`: never on a compute node
MODEL, WEIGHTS = "tf_efficientnet_lite0", "imagenet"  # the teacher of the simulated sites
SMALLER = {  # every Slurm job starts Snakemake anew: few jobs, but one of every rule of the line
    "models": ["experiments/models.csv"],  # trainings go through Slurm in test_preemption
    "recordings": ["sim_m2_ml"],
    "encoding": {"mappings": ["pls"], "folds": "image"},
    "alignment": {"draws": 20},
    "figures": {"models": [MODEL]},
}


class Demo:
    """The reduced demo in a folder of its own."""

    def __init__(self, copy_of: Path, folder: Path, cluster=None):
        self.folder = shutil.copytree(copy_of, folder, dirs_exist_ok=True)
        self.cluster = cluster

    def run(self, *options: str, status: int = 0) -> str:
        """Run to the end, on the cluster if there is one; what was printed."""
        place = SLURM if self.cluster else ["--cores", "2"]
        run = Run(self.folder, environment(self.cluster, self.folder / "scripts"), *place, *options)
        return run.end(status, seconds=800)

    def tables(self) -> dict[str, bytes]:
        """Bytes of all tables."""
        folder = self.folder / "results" / "demo" / "tables"
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def jobs(self) -> list[dict[str, str]]:
        """Slurm's records of the jobs that were submitted from the folder."""
        return [job for job in self.cluster.jobs() if job["WorkDir"] == str(self.folder)]


@pytest.fixture(scope="module")
def workflow(tmp_path_factory) -> Path:
    """The reduced demo of tests/workflow, smaller still."""
    folder = tmp_path_factory.mktemp("workflow")
    smaller = Workflow.made(folder)
    smaller.configure(SMALLER)
    smaller.keep_models(MODEL)
    return folder


@pytest.fixture(scope="module")
def local(tmp_path_factory, workflow) -> Demo:
    """The demo, run on this machine."""
    demo = Demo(workflow, tmp_path_factory.mktemp("local"))
    demo.run()
    return demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory, workflow, cluster):
    """The demo, run through Slurm, and what Snakemake printed."""
    demo = Demo(workflow, tmp_path_factory.mktemp("demo"), cluster)
    return demo, demo.run()


def test_every_job_that_is_not_local_was_a_slurm_job(demo):
    demo, printed = demo
    started = Counter(re.findall(r"^rule (\w+):", printed, re.MULTILINE))
    local = set(re.findall(r"^localrule (\w+):", printed, re.MULTILINE))
    submitted = [
        re.match(r"rule_([a-z_]+?)(?:_wildcards|$)", job["Comment"].strip())[1]
        for job in demo.jobs()
    ]
    assert local == LOCAL and not LOCAL & set(started)
    assert Counter(submitted) == started and len(started) > 12
    assert {job["JobState"] for job in demo.jobs()} == {"COMPLETED"}
    record = demo.cluster.completed()  # written by Slurm when a job ends, and never again
    for job in demo.jobs():
        assert f"JobId={job['JobId']} " in record


def test_cpu_jobs_went_to_the_cpu_partition(demo):
    demo, _ = demo
    assert {job["Partition"] for job in demo.jobs()} == {"cpu"}
    assert not any("gpu" in job.get("TresPerJob", "") for job in demo.jobs())


def test_time_that_depends_on_the_images_is_asked_for_once_they_are_there(demo):
    demo, _ = demo
    extracting = [job for job in demo.jobs() if "extract_activations" in job["Comment"]]
    assert {job["TimeLimit"] for job in extracting} == {"00:30:00"}
    fitting = [job for job in demo.jobs() if "fit_encoding" in job["Comment"]]
    assert {job["TimeLimit"] for job in fitting} == {"01:00:00"}


def test_tables_are_those_of_a_run_on_this_machine(demo, local):
    demo, _ = demo
    assert demo.tables().keys() == local.tables().keys()
    assert [n for n, content in demo.tables().items() if content != local.tables()[n]] == []
    assert (demo.folder / "results" / "demo" / "report.html").stat().st_size > 100_000


def test_a_second_run_submits_nothing(demo):
    demo, _ = demo
    before = len(demo.jobs())
    assert "Nothing to be done" in demo.run()
    assert len(demo.jobs()) == before


def test_more_time_than_any_partition_gives_is_an_error_before_anything_is_submitted(demo):
    """Slurm would take the job and leave it waiting for ever, without a word."""
    demo, _ = demo
    before = len(demo.jobs())
    again = ["--forcerun", "render_report", "--set-resources", "render_report:runtime=4321"]
    printed = demo.run(*again, status=1)
    assert "rule render_report: asks for 4321 minutes, more than any partition gives" in printed
    assert len(demo.jobs()) == before


def test_with_device_cuda_the_rule_asks_for_a_gpu_and_gets_one(demo):
    """Slurm hands one out; torch finds none behind it, and the job says so instead of using a CPU."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a real GPU here: the made-up ones stand for its absence")
    demo, _ = demo
    target = f"results/activations/sim_m2_scenes/{MODEL}/{WEIGHTS}.h5"
    printed = demo.run(target, "--config", "device=cuda", "--retries", "0", status=1)
    (job,) = [job for job in demo.jobs() if job["Partition"] == "gpu"]
    assert (
        job["Comment"].startswith("rule_extract_activations") and job["TresPerJob"] == "gres:gpu:1"
    )
    assert "device: 'cuda' asked for" in printed
