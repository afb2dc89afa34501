"""Time limits of Slurm's partitions, as it prints them."""

import numpy as np
import pytest

from itcortex.errors import UserError
from itcortex.running import partitions


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("infinite", np.inf), ("30:00", 30), ("1:30:00", 90), ("3-00:00:00", 4320), ("1-02:03:30", 1563.5)],
)  # fmt: skip
def test_limits_are_read_as_slurm_prints_them(text, minutes):
    assert partitions.minutes(text) == minutes


def test_a_limit_of_another_form_is_refused():
    with pytest.raises(UserError, match="the time limit 'soon'"):
        partitions.minutes("soon")


LISTING = "short\t1:00:00\nlong\t2-00:00:00\n"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"fit": (2881, None)}, "rule fit: asks for 2881 minutes, more than any partition gives"),
        ({"fit": (61, "short")}, "more than partition short gives \\(60\\)"),
    ],
)
def test_more_time_than_any_partition_gives_is_refused(asked, message):
    with pytest.raises(UserError, match=message):
        partitions.require_time(asked, LISTING)


def test_time_that_fits_or_is_not_known_is_taken():
    partitions.require_time({"a": (2880, None), "b": (60, "short"), "c": ("<TBD>", None)}, LISTING)
    partitions.require_time({"a": (99999, None)}, "all\tinfinite\n")


@pytest.mark.process
def test_without_slurm_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="sinfo: not found"):
        partitions.require_time({})
