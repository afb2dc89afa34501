"""profiles/slurm as text: what is in it, and that its commented placeholders are understood."""

import re
import subprocess
import sys

import pytest
import yaml

from made.slurm_line import REPOSITORY, Line, environment

PROFILES = REPOSITORY / "profiles"
PLACEHOLDER = re.compile(r"^# ( *[a-z_-]+:.*)$", re.MULTILINE)


@pytest.fixture
def profile() -> dict:
    """Settings of profiles/slurm."""
    return yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())


def test_what_decides_re_runs_is_as_on_one_machine(profile):
    """Or moving to a cluster would run everything again."""
    default = yaml.safe_load((PROFILES / "default" / "config.yaml").read_text())
    for key in ("rerun-triggers", "rerun-incomplete", "keep-going", "scheduler"):
        assert profile[key] == default[key]


def test_limits_of_one_machine_are_not_in_it(profile):
    assert not {"cores", "resources"} & set(profile)


def test_slurm_has_a_log_folder_to_itself(profile):
    """The plugin deletes every old *.log below it."""
    assert profile["slurm-logdir"] == "results/logs/slurm"
    rules = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    assert "results/logs/slurm" not in rules


@pytest.mark.process
@pytest.mark.timeout(120)
def test_placeholders_are_understood_once_they_are_no_comments(tmp_path):
    line = Line(tmp_path)
    path = tmp_path / "profiles" / "slurm" / "config.yaml"
    text, count = PLACEHOLDER.subn(r"\1", path.read_text())
    settings = yaml.safe_load(text.replace("train_harmonized:", "measure:"))
    assert count > 10 and settings["default-resources"]["slurm_account"] == "my_account"
    settings["set-resources"]["measure"]["mem_mb"] = "attempt * 1000"
    path.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/slurm"]
    done = subprocess.run(
        [*command, "--dry-run"], cwd=line.folder, env=environment(), text=True, timeout=100,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (asked,) = set(re.findall(r"rule measure:(?:\n .*)*resources: (.*)", done.stdout))
    for resource in (
        "slurm_account=my_account", "slurm_partition=my_partition", "constraint=avx2",
        "gpu_model=a100", "runtime=1440", "mem_mb=1000", "slurm_extra=--mail-type=FAIL",
    ):  # fmt: skip
        assert resource in asked
