"""What a check of a recording finds: everything that was planted, and nothing in a good one."""

import json
from dataclasses import replace

import numpy as np
import pytest

import check_recording
import judge_recordings
from itcortex import store
from itcortex.data.recordings import Recording, turned
from itcortex.data.stimuli import Stimuli
from itcortex.encoding import site_checks
from itcortex.encoding.pixel_model import pixel_maps
from itcortex.encoding.recording_check import Plan, check, recommended_folds
from itcortex.errors import UserError
from itcortex.report.recording_checks import facts_of, in_words

PLAN = Plan("corrected", 4, None, "split_half_bound", splits=20, seed=1)
N_IMAGES, N_SITES, N_REPEATS = 24, 12, 6


@pytest.fixture
def stimuli(rng):
    """Pictures whose brightness differs from place to place, and one more than was shown."""
    coarse = rng.integers(30, 226, (N_IMAGES + 1, 4, 4, 3))
    images = coarse.repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    return Stimuli(images, tuple(f"im{k:02d}.png" for k in range(N_IMAGES + 1)))


@pytest.fixture
def good(stimuli, rng):
    """Twelve sites that read brightness, six repeats in a random order over an hour."""
    signal = pixel_maps(stimuli.images[:N_IMAGES], (1, 1))[:, 0, 0] @ rng.normal(size=(4, N_SITES))
    signal = 10 + 3 * (signal - signal.mean(0)) / signal.std(0)
    trials = signal[..., None] + rng.normal(size=(N_IMAGES, N_SITES, N_REPEATS))
    started = rng.permutation(N_IMAGES * N_REPEATS).reshape(N_IMAGES, N_REPEATS) * 25.0
    return made(stimuli, trials, started)


def made(stimuli, trials, started=None, **attributes):
    """A recording of trials (image, site, repeat) without a grid or time."""
    trials = trials[:, None, None, None].astype(np.float32)
    return Recording(
        trials.mean(-1), stimuli.image_ids[:N_IMAGES], tuple(f"s{k}" for k in range(trials.shape[4])),
        {"unit": "spikes/s", **attributes}, trials, started,
    )  # fmt: skip


def words(found):
    return "\n".join(problem.what for problem in found.problems)


def test_a_good_recording(good, stimuli):
    found = check(good, stimuli, PLAN)
    assert words(found) == "1 pictures were not shown, or have no response"
    assert found.facts["n_images"] == found.facts["n_pictures"] == N_IMAGES
    assert found.facts["repeats"] == {"fewest": 6, "median": 6, "most": 6}
    assert found.facts["recommended_ceiling"] == "split_half_bound"
    # 9 parts of signal to 1/6 of noise
    assert found.facts["median_reliability"] == pytest.approx(9 / (9 + 1 / 6), abs=0.02)
    assert found.facts["drifting_sites"] == found.facts["loud_sites"] == []
    assert found.facts["grid"] is None
    assert found.orientation.empty


def test_what_was_planted_in_sites_is_found_by_name(good, stimuli):
    trials = good.trials[:, 0, 0, 0].copy()
    trials[:, 1] = 5  # never changes
    trials[:, 2] *= 1000
    trials[:, 3] += (good.started / 600).astype(
        np.float32
    )  # 6 over the hour, as much as the signal
    trials[:, 5] = trials[:, 4]
    found = check(made(stimuli, trials, good.started), stimuli, PLAN)
    assert found.facts["constant_sites"] == ["s1"]
    assert found.facts["loud_sites"] == ["s2"]
    assert found.facts["drifting_sites"] == ["s3"]
    assert "sites with the same responses throughout: s4 = s5" in words(found)
    assert not any(problem.stops for problem in found.problems)


def test_trials_that_belong_to_other_images_do_not_repeat(good, stimuli, rng):
    trials = rng.permuted(good.trials[:, 0, 0, 0], axis=0)
    found = check(made(stimuli, trials), stimuli, PLAN)
    assert "responses hardly repeat" in words(found)


def test_twins_and_refused_folds_and_a_ceiling_that_is_not_there(good, stimuli):
    pictures = dict(zip(stimuli.image_ids, stimuli.image_ids, strict=True)) | {
        "im03.png": "im02.png"
    }
    bare = replace(good.with_pictures(pictures), trials=None)
    found = check(bare, stimuli, replace(PLAN, folds="image"))
    assert "2 of 24 images have a twin with the same pixels: im02.png = im03.png" in words(found)
    stops = [problem for problem in found.problems if problem.stops]
    assert "leaves 1 samples" in stops[0].what
    assert stops[0].remedy == "choose at most 4 folds"
    assert "the recording has no ceiling 'split_half_bound'; it has population" in stops[1].what
    assert stops[1].remedy == "set `ceiling: {name: population}`"
    assert found.facts["recommended_folds"] == 4


def test_folds_of_splits_and_variants_are_tried_before_any_network(good, stimuli):
    halves = {"object": ["a", "b"] * (N_IMAGES // 2), "third": ["a", "b", "c"] * (N_IMAGES // 3)}
    labelled = replace(good, attributes=good.attributes | {"image_labels": halves})

    def refused(*folds):
        asked = [
            {"key": "encoding: splits", "protocol": "corrected", "folds": one} for one in folds
        ]
        found = check(labelled, stimuli, replace(PLAN, further=asked))
        return [problem.what for problem in found.problems if problem.stops]

    assert refused({"kind": "column", "name": "third"}, {"kind": "clusters", "k": 90}, 3) == []
    two, none, many = refused(
        {"kind": "column", "name": "object"}, {"kind": "column", "name": "shape"}, 20
    )
    assert two.startswith("encoding: splits: column 'object': has 2 values ('a', 'b')")
    assert none.startswith("encoding: splits: name: ") and "'shape'" in none
    assert many.startswith("encoding: splits: 20 leaves 1 samples")


def test_the_truth_is_a_ceiling_of_simulated_recordings_alone(good, stimuli):
    asked = replace(PLAN, ceiling="truth")
    simulated = replace(good, attributes=good.attributes | {"simulated": True})
    assert not any(problem.stops for problem in check(simulated, stimuli, asked).problems)
    assert "has no ceiling 'truth'" in words(check(good, stimuli, asked))


def test_a_window_that_does_not_fit(good, stimuli):
    responses = np.repeat(good.responses, 3, axis=3)
    timed = replace(
        good, responses=responses, trials=None, attributes={"ms_start": 0, "ms_bin": 50, "unit": "a.u."}
    )  # fmt: skip
    found = check(timed, stimuli, replace(PLAN, window=(130, 170), ceiling="population"))
    assert found.problems[0].stops
    assert (
        found.problems[0].what
        == "window 130-170 ms does not fit the recording: 0-150 ms in bins of 50 ms"
    )
    assert found.facts["time"] == [0, 150, 50]
    fits = check(timed, stimuli, replace(PLAN, window=(50, 150), ceiling="population"))
    assert not any(problem.stops for problem in fits.problems)


def test_ceilings_of_trials_with_a_time_axis_are_of_the_window(good, stimuli, rng):
    noise = rng.normal(size=good.trials.shape).astype(np.float32)
    trials = np.concatenate([noise, good.trials, good.trials], axis=3)
    about = {"ms_start": 0, "ms_bin": 50, "unit": "a.u."}
    timed = replace(good, responses=trials.mean(-1), trials=trials, attributes=about)
    early = check(timed, stimuli, replace(PLAN, window=(0, 50))).facts["ceilings"]["split_half"]
    late = check(timed, stimuli, replace(PLAN, window=(50, 150))).facts["ceilings"]["split_half"]
    assert early < 0.5
    assert late == pytest.approx(9 / (9 + 1 / 6), abs=0.02)


@pytest.mark.parametrize("orientation", ["as configured", "flipped vertically", "transposed"])
def test_a_turned_grid_is_named(stimuli, rng, orientation):
    maps = pixel_maps(stimuli.images[:N_IMAGES], (4, 4))
    average = maps @ rng.normal(size=(4, 3)) + 0.01 * rng.normal(size=(N_IMAGES, 4, 4, 3))
    responses = turned(average, orientation)[:, :, :, None].astype(np.float32)
    recording = Recording(responses, stimuli.image_ids[:N_IMAGES], ("a", "b", "c"), {})
    found = check(recording, stimuli, replace(PLAN, folds="image", ceiling="population"))
    assert max(found.facts["orientation"], key=found.facts["orientation"].get) == orientation
    is_named = f"write `orientation: {orientation}`" in " ".join(p.remedy for p in found.problems)
    assert is_named == (orientation != "as configured")


@pytest.mark.parametrize(
    ("n_images", "grid", "folds"),
    [
        (3, (3, 3), "image"),
        (300, (3, 3), 10),
        (200, (1, 1), 10),
        (20, (1, 1), 4),
        (14, (1, 1), None),
        (1, (3, 3), None),
    ],
)
def test_recommended_folds(n_images, grid, folds):
    names = tuple(str(k) for k in range(n_images))
    assert (
        recommended_folds(Recording(np.zeros((n_images, *grid, 1, 1)), names, ("s",), {})) == folds
    )


def test_one_image_and_one_site(stimuli):
    one = Recording(np.ones((1, 1, 1, 1, 1), np.float32), ("im00.png",), ("s",), {})
    found = check(one, stimuli, PLAN)
    assert [p.what for p in found.problems if p.stops][-1] == "1 of 1 sites never change: s"
    assert found.facts["recommended_folds"] is None
    assert found.facts["ceilings"] == {}


@pytest.mark.long
def test_the_rules_write_what_was_found_and_stop(good, stimuli, tmp_path):
    store.write_recording(tmp_path / "r.h5", good)
    store.write_stimuli(tmp_path / "s.h5", stimuli)
    names = {
        "found": "f.json",
        "sites": "t.parquet",
        "sites_csv": "t.csv",
        "pdf": "f.pdf",
        "png": "f.png",
    }
    outputs = {key: str(tmp_path / name) for key, name in names.items()}

    def run(folds):
        check_recording.main(
            tmp_path / "r.h5", tmp_path / "s.h5", **outputs, name="mine", protocol="corrected",
            folds=folds, further=[], window=[130, 170], ceiling="split_half_bound", splits=5, seed=1,
            title="t", caption="c",
        )  # fmt: skip
        judge_recordings.main([outputs["found"]], tmp_path / "summary.txt")

    run(4)
    written = json.loads((tmp_path / "f.json").read_text())
    assert facts_of(written)["images"] == "24 (24 different pictures)"
    assert (tmp_path / "summary.txt").read_text() == in_words(written)
    assert store.read_table(outputs["sites"])["site"].tolist() == list(good.site_ids)
    # the drawing is the same when it is drawn again
    drawn = (tmp_path / "f.png").read_bytes()
    with pytest.raises(UserError, match=r"makes no sense yet:\n  - mine: .*choose at most 4 folds"):
        run("image")
    assert (tmp_path / "f.png").read_bytes() == drawn


def test_the_course_over_time_is_the_mean_of_each_bin():
    responses = np.zeros((2, 1, 1, 3, 4)) + np.array([1.0, 5, 2])[:, None]
    about = {"ms_start": 50.0, "ms_bin": 10.0}
    recording = Recording(responses, ("a", "b"), tuple("wxyz"), about)
    starts, course = site_checks.time_course(recording)
    assert starts.tolist() == [50, 60, 70] and course.tolist() == [1, 5, 2]
    bare = Recording(responses[:, :, :, :1], ("a", "b"), tuple("wxyz"), {})
    assert site_checks.time_course(bare) is None
