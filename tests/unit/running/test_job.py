"""How a rule's script runs: log header, output into the log, clear errors, progress lines."""

import io
import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from itcortex.errors import UserError
from itcortex.running import job, progress

pytestmark = pytest.mark.process
SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


class Named(dict):
    """Inputs, outputs or params as Snakemake injects them: a mapping by name."""


@pytest.fixture
def snakemake(tmp_path):
    return SimpleNamespace(
        input=Named(source="in.txt"), output=Named(target="out.txt"), log=[tmp_path / "l" / "x.log"],
        params=Named(code="abc", seed=7, device="cpu"), rule="some_rule", threads=1,
        wildcards=Named(model="net"), resources=Named(gpu=0),
    )  # fmt: skip


def test_main_gets_names_and_the_log_gets_header_and_output(snakemake):
    seen = {}

    def main(**arguments):
        seen.update(arguments)
        print("to the log")
        print("warned", file=sys.stderr)

    job.run(main, snakemake)
    assert seen == {"source": "in.txt", "target": "out.txt", "seed": 7, "device": "cpu"}
    log = snakemake.log[0].read_text()
    for words in ("rule some_rule {'model': 'net'}", "device cpu, threads 1, seed 7", "numpy 2",
                  "to the log", "warned", "done in"):  # fmt: skip
        assert words in log


def test_what_is_logged_arrives_in_the_log_in_one_format(snakemake):
    root, before = logging.getLogger(), logging.getLogger().handlers[:]

    def main(**_):
        logging.getLogger("itcortex.data.stimuli").info("a.zip: 3 files are no images")
        logging.getLogger("__main__").info("digest abc")
        logging.getLogger("itcortex.downloads").warning("once more")
        logging.getLogger("others").info("chatter")
        logging.getLogger("others").warning("deprecated")

    job.run(main, snakemake)
    lines = re.findall(r"^\d\d:\d\d:\d\d (.*)$", snakemake.log[0].read_text(), re.MULTILINE)
    assert lines == [
        "INFO: a.zip: 3 files are no images",
        "INFO: digest abc",
        "WARNING: once more",
        "WARNING: deprecated",
    ]
    assert root.handlers == before
    assert logging.getLogger("itcortex").level == logging.NOTSET


def test_after_a_failed_job_nothing_logs_to_its_closed_file(snakemake):
    before = logging.getLogger().handlers[:]
    with pytest.raises(KeyError):
        job.run(lambda **_: {}["missing"], snakemake)
    assert logging.getLogger().handlers == before


LATIN = """
import sys
from types import SimpleNamespace
from itcortex.errors import UserError
from itcortex.running import job

def main():
    print("\\N{GREEK SMALL LETTER RHO} = 1")
    raise UserError("\\N{GREEK SMALL LETTER RHO}: not known")

class Named(dict):
    pass

job.run(main, SimpleNamespace(
    input=Named(), output=Named(), params=Named(), wildcards=Named(), resources=Named(), rule="r",
    threads=1, log=[sys.argv[1]],
))
"""


def test_a_locale_without_unicode_kills_no_job(tmp_path):
    """Neither where it writes its log, nor where it says on the terminal what is wrong."""
    plain = {
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "C",
        "PYTHONPATH": str(SCRIPTS),
    }
    done = subprocess.run(
        [sys.executable, "-c", LATIN, tmp_path / "x.log"],
        env=plain,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert b"Error in r: \\u03c1: not known" in done.stderr
    log = (tmp_path / "x.log").read_text(encoding="utf-8")
    assert "\N{GREEK SMALL LETTER RHO} = 1\n" in log


def test_blas_gets_the_rules_threads(snakemake):
    from threadpoolctl import threadpool_info

    found = []
    job.run(lambda **_: found.extend(pool["num_threads"] for pool in threadpool_info()), snakemake)
    assert set(found) == {1}


def test_user_error_is_one_message_on_the_terminal_and_a_traceback_in_the_log(snakemake, capsys):
    def main(**_):
        raise UserError("file.h5: broken; delete it")

    stderr = sys.__stderr__
    sys.__stderr__ = io.StringIO()
    try:
        with pytest.raises(SystemExit) as caught:
            job.run(main, snakemake)
        shown = sys.__stderr__.getvalue()
    finally:
        sys.__stderr__ = stderr
    assert caught.value.code == 1
    assert "Error in some_rule" in shown
    assert "file.h5: broken; delete it" in shown
    assert "Traceback" not in shown
    assert "Traceback" in snakemake.log[0].read_text()


def test_any_other_error_is_raised_with_its_traceback_in_the_log(snakemake):
    def main(**_):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        job.run(main, snakemake)
    assert "KeyError: 'bug'" in snakemake.log[0].read_text()


def test_progress_is_lines_in_a_log(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress.bar(range(4), "layers", unit="layer")) == [0, 1, 2, 3]
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("layers:   0%")
    assert "4/4" in lines[-1]
    assert "\r" not in stream.getvalue()
