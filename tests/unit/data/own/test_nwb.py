"""NWB: spikes of units in bins after the onset of every trial's image."""

from datetime import UTC, datetime

import numpy as np
import pytest

from itcortex.data.own.forms import read_own
from itcortex.data.own.nwb import bin_edges, count_spikes, observed
from itcortex.errors import UserError

NAMES = ("a.png", "b.png", "c.png")


def test_spikes_are_counted_in_bins_that_end_before_the_next_begins():
    spikes = [np.array([0.0, 0.049, 0.05, 0.301]), np.array([])]
    rates = count_spikes(
        spikes, np.array([0, 0.2]), bin_edges({"start": 0, "stop": 100, "bin": 50}, "f")
    )
    assert rates.shape == (2, 2, 2)
    # two spikes in 50 ms are 40 spikes/s; the one at .05 s belongs to the second bin
    assert rates[0, :, 0].tolist() == pytest.approx([40, 20])
    assert rates[1, :, 0].tolist() == [0, 0]  # .301 s is after its last bin
    assert not rates[:, :, 1].any()


@pytest.mark.parametrize(
    "window", [{"start": 50, "stop": 50}, {"start": 0, "stop": 100, "bin": 30}]
)
def test_windows_are_of_whole_bins(window):
    with pytest.raises(UserError, match="is no window of whole bins"):
        bin_edges(window, "f")


@pytest.fixture
def write(tmp_path):
    """A function: writes trials and units, and returns the path."""
    pynwb = pytest.importorskip("pynwb")

    def writing(
        trials=True, units=True, column="stimulus_name", intervals=(None, None), invalid=()
    ):
        content = pynwb.NWBFile("session", "id", datetime(2020, 1, 1, tzinfo=UTC))
        if trials:
            content.add_trial_column(column, "image")
            for k in range(6):
                content.add_trial(start_time=float(k), stop_time=k + 0.9, **{column: NAMES[k % 3]})
        if units:
            content.add_unit_column("region", "area")
            known = [{} if one is None else {"obs_intervals": one} for one in intervals]
            regular = np.arange(0, 6, 0.05) + 0.001  # 20 spikes/s
            content.add_unit(spike_times=regular, region="IT", **known[0])
            content.add_unit(spike_times=np.array([0.15, 0.16, 3.15]), region="V4", **known[1])
        for start, stop in invalid:
            content.add_invalid_time_interval(start_time=start, stop_time=stop)
        path = tmp_path / "r.nwb"
        with pynwb.NWBHDF5IO(str(path), "w") as file:
            file.write(content)
        return path

    return writing


def read(path, **entry):
    return read_own(path, entry, NAMES, {})


def test_units_and_trials(write):
    recording = read(write(), time={"start": 100, "stop": 200})
    assert (recording.image_ids, recording.site_ids) == (NAMES, ("unit-0", "unit-1"))
    assert recording.trials.shape == (3, 1, 1, 1, 2, 2)
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0, 0], 20, rtol=1e-6)
    assert recording.trials[0, 0, 0, 0, 1].tolist() == pytest.approx([20, 10])
    np.testing.assert_array_equal(recording.started, [[0, 3], [1, 4], [2, 5]])
    chosen = read(write(), time={"start": 0, "stop": 200, "bin": 50}, sites={"region": "IT"})
    assert chosen.responses.shape == (3, 1, 1, 4, 1)
    assert (chosen.attributes["ms_start"], chosen.attributes["ms_bin"]) == (0, 50)


def test_what_is_lacking_is_said(write):
    time = {"start": 100, "stop": 200}
    with pytest.raises(UserError, match="in which window are spikes counted"):
        read(write())
    with pytest.raises(UserError, match="has no table of trials"):
        read(write(trials=False), time=time)
    with pytest.raises(UserError, match="has no table of units"):
        read(write(units=False), time=time)
    with pytest.raises(UserError, match=r"cannot tell where it has every image.*'what'"):
        read(write(column="what"), time=time)
    assert read(write(column="what"), time=time, columns={"image": "what"}).image_ids == NAMES


def test_a_bin_is_observed_where_it_lies_whole_in_an_interval():
    """Onsets at 0 and 1 s; bins of 100 ms from 0 to 300 ms."""
    edges = bin_edges({"start": 0, "stop": 300, "bin": 100}, "f")
    intervals = [
        None,
        np.array([[0.0, 0.1], [0.1, 0.3]]),  # two that touch are one; nothing around 1 s
        np.array([[1.1, 9.0], [0.05, 0.25]]),  # in another order; half of the first and third bin
        np.empty((0, 2)),
    ]
    found = observed(intervals, np.empty((0, 2)), np.array([0.0, 1.0]), edges)
    assert found[:, :, 0].all() and not found[:, :, 3].any()
    assert found[:, :, 1].tolist() == [[True, True, True], [False, False, False]]
    assert found[:, :, 2].tolist() == [[False, True, False], [False, True, True]]
    invalid = np.array([[0.15, 0.16], [1.3, 2.0]])  # the second begins where the last bin ends
    left = observed(intervals[:1], invalid, np.array([0.0, 1.0]), edges)[:, :, 0]
    assert left.tolist() == [[True, False, True], [True, True, True]]


TIME = {"start": 100, "stop": 200}
SESSION = [[0.0, 6.0]]


def test_trials_outside_of_what_was_observed_are_no_silence(write, caplog):
    path = write(
        intervals=(SESSION, [[0.0, 2.9]])
    )  # the second unit is lost before the fourth trial
    recording = read(path, time=TIME)
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0, 0], 20, rtol=1e-6)
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0, 1], [20, 0, 0], atol=1e-6)
    assert np.isnan(recording.trials[:, 0, 0, 0, 1, 1]).all()
    assert np.isfinite(recording.trials[:, 0, 0, 0, 0, :]).all()
    assert "1 of 2 units were not observed in every one of 6 trials" in caplog.text
    assert "unit-1 in 3" in caplog.text
    broken = read(write(invalid=[(3.0, 3.5)]), time=TIME)  # the second presentation of a.png
    assert np.isnan(broken.trials[0, 0, 0, 0, :, 1]).all()
    assert broken.responses[0, 0, 0, 0].tolist() == pytest.approx([20, 20])


def test_a_unit_that_was_never_observed_is_named(write):
    path = write(intervals=(SESSION, [[50.0, 60.0]]))
    with pytest.raises(UserError, match=r"3 pairs of image and site have no response.*'unit-1'"):
        read(path, time=TIME)
    assert read(path, time=TIME, incomplete="leave out sites").site_ids == ("unit-0",)
    with pytest.raises(UserError, match="no unit was observed in any trial"):
        read(write(intervals=([[50.0, 60.0]], [[50.0, 60.0]])), time=TIME)
