"""`make status` beside a real run: jobs that work, fail and wait."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from itcortex.running import status
from made.forked import python
from made.patience import FACTOR

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(300)]

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
SNAKEFILE = """\
rule all:
    input: "ok.txt", "bad.txt", "late.txt"

rule work:
    output: "{name}.txt"
    log: "logs/{name}.log"
    params: name=lambda wildcards: wildcards.name
    script: "work.py"
"""
WORK = f"""\
import sys
import time
from pathlib import Path
sys.path.append({str(SCRIPTS)!r})
from itcortex.running import job
from itcortex.errors import UserError
def main(output, name):
    if name == "bad":
        raise UserError("bad.txt: cannot be; be good")
    while name == "late" and not Path("go").exists():
        time.sleep(0.05)
    Path(output).write_text(name)
snakemake.output = {{"output": snakemake.output[0]}}
job.run(main, snakemake)
"""


def test_a_real_run_is_seen_while_it_works_and_after(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text(SNAKEFILE)
    Path("work.py").write_text(WORK)
    command = [sys.executable, "-m", "snakemake", "--cores", "3", "--keep-going"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not Path("logs/bad.log").exists() or status.begun(".snakemake") != {"late.txt"}:
            assert run.poll() is None
            time.sleep(0.1)
        page = subprocess.check_output([python(), SCRIPTS / "status.py"], text=True)
        assert page.startswith(
            "1 of 3 jobs done, 1 running, 1 failed, 0 outdated, 0 to do; a run is"
        )
        assert "UserError: bad.txt: cannot be; be good\n    log: logs/bad.log\n" in page
        Path("go").touch()
        assert run.wait(FACTOR * 60) == 1
    finally:
        run.kill()
    page = subprocess.check_output([python(), SCRIPTS / "status.py"], text=True)
    assert page.startswith("2 of 3 jobs done, 0 running, 1 failed, 0 outdated, 0 to do\n")
