"""What a run leaves for its user to look at: time and memory of all jobs, and how they stand."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from made.demo_jobs import NETWORKS, STUDIED
from made.forked import python

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(900)]

RULES = Path(__file__).resolve().parents[2] / "rules"
#: Rules without a benchmark: it would change what they collect, or be taken for what they make.
UNMEASURED = {"collect_benchmarks", "plot_benchmarks", "check_models"}


def status(workflow) -> str:
    """What `make status` prints."""
    done = subprocess.run(
        [python(), "scripts/status.py"], cwd=workflow.folder, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def counted(head: str) -> dict[str, int]:
    """Numbers of the first line of what `make status` prints."""
    done, total, *others = map(int, re.findall(r"\d+", head))
    names = re.findall(r"\d+ (running|failed|outdated|to do)", head)
    return {"done": done, "total": total} | dict(zip(names, others, strict=True))


def test_every_job_that_ran_has_a_row_of_time_and_memory(copy_of):
    """The target `benchmarks`; asking for it again, or for all results, then runs nothing."""
    jobs = Counter(job.split()[0] for job in copy_of.planned("--forceall"))
    assert {"train_harmonized", "fit_encoding", "render_report"} < jobs.keys()
    copy_of.run("benchmarks")
    results = copy_of.folder / "results" / "demo"
    table = pd.read_parquet(results / "tables" / "benchmarks.parquet")
    assert Counter(table["rule"]) == jobs
    assert (table["seconds"] > 0).all() and (table["memory_mb"].dropna() > 0).all()
    named = table[table["weights"] != ""]
    assert set(named["model"] + " " + named["weights"]) == {*NETWORKS, *STUDIED}
    assert len(pd.read_csv(results / "tables" / "benchmarks.csv")) == len(table)
    assert (results / "figures" / "benchmarks.pdf").read_bytes()[:5] == b"%PDF-"
    assert (results / "figures" / "benchmarks.png").read_bytes()[1:4] == b"PNG"
    assert copy_of.planned("benchmarks") == {}
    assert copy_of.planned() == {}


def test_status_says_that_all_is_done_and_names_what_failed_with_its_log(copy_of):
    """On the plan and the logs of the real workflow, not on made ones."""
    head, *rest = status(copy_of).splitlines()
    total = counted(head)["total"]
    open_jobs = {"running": 0, "failed": 0, "outdated": 0, "to do": 0}
    assert total > 40 and counted(head) == {"done": total, "total": total} | open_jobs
    assert "failed:" not in rest
    results = copy_of.folder / "results" / "demo"
    (results / "figures" / "tradeoff.pdf").unlink()
    log = results / "logs" / "plot_tradeoff.log"
    log.write_text(
        "# rule plot_tradeoff\nTraceback (most recent call last):\nValueError: planted\n"
    )
    head, *rest = status(copy_of).splitlines()
    open_jobs |= {"failed": 1, "outdated": 1}
    assert counted(head) == {"done": total - 2, "total": total} | open_jobs
    assert rest[rest.index("failed:") + 1 :] == [
        "  plot_tradeoff: results/demo/figures/tradeoff.pdf",
        "    ValueError: planted",
        "    log: results/demo/logs/plot_tradeoff.log",
    ]
    rows = [line.split() for line in rest]
    assert ["plot_tradeoff", "-", "-", "1", "-", "-"] in rows
    assert ["render_report", "-", "-", "-", "1", "-"] in rows


def test_every_rule_with_a_script_has_a_log_and_a_benchmark_of_its_name():
    """Status reads the logs, the table of time and memory the benchmarks; one name everywhere."""
    text = "\n".join(path.read_text() for path in sorted(RULES.glob("*.smk")))
    named = re.split(r"^rule (\w+):$", text, flags=re.MULTILINE)[1:]
    rules = dict(zip(named[::2], named[1::2], strict=True))
    lacking = set()
    for rule, body in rules.items():
        if "    script:" not in body:
            continue
        said = dict(re.findall(r'^    (script|log|benchmark):\n?\s*"(.+)",?$', body, re.MULTILINE))
        assert said["script"] == f"../scripts/{rule}.py"
        assert f"/logs/{rule}" in said["log"], rule
        if "benchmark" not in said:
            lacking.add(rule)
            continue
        assert f"/benchmarks/{rule}" in said["benchmark"], rule
    assert len(rules) > 30 and lacking == UNMEASURED
