"""The face gives the workflow's numbers, from arrays of any kind, and says what does not fit."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import itcortex
from fit_encoding import main as fit_encoding
from itcortex import store
from itcortex.api.inputs import as_features, as_recording
from itcortex.data.recordings import Recording
from itcortex.encoding.ceilings import estimate_ceilings
from itcortex.encoding.divisions import DIVISIONS
from itcortex.encoding.map_alignment import Null, alignment_table
from itcortex.errors import UserError
from itcortex.tables import summary
from made.encoding import ON_CPU

IDS = tuple(f"image {i:02d}" for i in range(24))
SITES = ("a", "b", "c")


@pytest.fixture(scope="module")
def arrays():
    """Two layers with maps, and sites on no grid and on one of 3 x 3; single precision, as in files."""
    rng = np.random.default_rng(7)
    layers = {
        "early": rng.standard_normal((24, 6, 6, 5)).astype(np.float32),
        "late": rng.standard_normal((24, 3, 3, 4)).astype(np.float32),
    }
    flat = (layers["late"].mean((1, 2))[:, :3] + rng.standard_normal((24, 3)) / 9).astype("float32")
    grid = (layers["late"][..., :3] + rng.standard_normal((24, 3, 3, 3)) / 2).astype("float32")
    return layers, {"flat": flat, "grid": grid}


def by_the_workflow(folder, layers, responses, mappings):
    """Table and predictions that rule fit_encoding writes for these arrays."""
    on_axes = responses[:, None, None, None] if responses.ndim == 2 else responses[:, :, :, None]
    store.write_recording(folder / "recording.h5", Recording(on_axes, IDS, SITES, {}))
    known = {"layers": [{"name": "early", "depth": 0.5}, {"name": "late", "depth": 1.0}]}
    store.write_activations(
        folder / "activations.h5", [(0, layers)], ("early", "late"), IDS,
        known | {"weights_digest": ""}, "float32",
    )  # fmt: skip
    files = [folder / name for name in ("scores.parquet", "predictions.h5", "orientation.parquet")]
    labels = {"recording": "responses", "model": "features", "weights": ""}
    fit_encoding(
        folder / "activations.h5", folder / "recording.h5", *files, labels, mappings, "corrected", 4,
        "exact", *ON_CPU, 4, 2, None, [], 5, 3,
    )  # fmt: skip
    return store.read_table(files[0]), store.read_recording(files[1]).responses[:, :, :, 0]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["flat", "grid"])
def test_predictivity_is_the_workflows_value_for_value(arrays, kind, tmp_path):
    layers, responses = arrays[0], arrays[1][kind]
    mappings = ["pls", "ridge", "rsa", "cka"]
    table, predicted = by_the_workflow(tmp_path, layers, responses, mappings)
    data = xr.DataArray(
        responses,
        dims=("image", "site") if kind == "flat" else ("image", "y", "x", "site"),
        coords={"image": list(IDS), "site": list(SITES)},
    )
    found = itcortex.predictivity(
        itcortex.Features(layers, IDS, {"early": 0.5, "late": 1.0}), data, mapping=mappings, folds=4,
        components=4, pool=2, permutations=5, draws=30, seed=3,
    )  # fmt: skip
    pd.testing.assert_frame_equal(
        found.sites.astype(str), table.astype(str)[list(found.sites)], check_exact=True
    )
    of_rule = summary.over_folds(table, 30, np.random.default_rng(3))
    pd.testing.assert_frame_equal(found.summary.astype(str), of_rule.astype(str), check_exact=True)
    np.testing.assert_array_equal(found.predictions, predicted.reshape(found.predictions.shape))
    assert found.r == of_rule["r"].iloc[0] > 0.5


def test_frames_and_arrays_and_xarray_give_the_same(arrays):
    """Rows of a frame with names may come in any order; arrays are joined by position."""
    layers, responses = arrays[0]["late"].mean((1, 2)), arrays[1]["flat"]
    options = {"folds": 4, "components": 3, "draws": 10}
    named = pd.DataFrame(layers, index=IDS).sample(frac=1, random_state=0)
    sites = pd.DataFrame(responses, index=IDS, columns=SITES)
    brain_io = xr.DataArray(
        responses.T,
        dims=("neuroid", "presentation"),
        coords={
            "stimulus_id": ("presentation", list(IDS)), "neuroid_id": ("neuroid", list(SITES)),
        },
    )  # fmt: skip
    first = itcortex.predictivity(named, sites, **options)
    again = itcortex.predictivity(named, brain_io, **options)
    pd.testing.assert_frame_equal(first.sites, again.sites)
    assert first.sites["site"].cat.categories.tolist() == list(SITES)
    by_place = itcortex.predictivity(layers, responses, **options)
    assert by_place.sites["site"].cat.categories.tolist() == ["0", "1", "2"]
    assert by_place.predictions.shape == (24, 3)


def test_groups_are_held_out_together(arrays):
    """Each picture twice: with groups both are in one fold, without them the copy gives it away."""
    rng = np.random.default_rng(0)
    features = np.repeat(rng.standard_normal((30, 60)), 2, axis=0)
    responses = np.repeat(rng.standard_normal((30, 4)), 2, axis=0)
    groups = np.repeat(np.arange(30), 2)
    options = {"folds": 5, "draws": 10}
    together = itcortex.predictivity(features, responses, groups=groups, **options)
    apart = itcortex.predictivity(features, responses, **options)
    assert apart.r > 0.8
    assert together.r < 0.5


def test_the_ceiling_divides_as_in_the_workflow(arrays):
    rng = np.random.default_rng(0)
    trials = arrays[1]["flat"][..., None] + rng.standard_normal((24, 3, 6))
    table = itcortex.noise_ceiling(trials=trials, folds=4, splits=10)
    found = itcortex.predictivity(
        arrays[0]["late"], trials.mean(2), folds=4, components=3, draws=10, ceiling=table
    )
    of_fold = table.loc[table.used, "value"]
    assert of_fold.size == 4
    expected = found.r / of_fold.mean()
    assert found.summary["r_over_ceiling"].item() == pytest.approx(expected, rel=1e-12)


def test_ceilings_are_the_workflows(arrays):
    rng = np.random.default_rng(1)
    trials = arrays[1]["grid"][..., None] + rng.standard_normal((24, 3, 3, 3, 5))
    table = itcortex.noise_ceiling(trials=trials, folds=4, splits=10, permutations=3, seed=2)
    recording, _ = as_recording(None, trials)
    fold_of = DIVISIONS["corrected"](recording, 4, 2).fold_of
    direct = estimate_ceilings(recording, None, fold_of, 10, np.random.default_rng(2))
    assert sorted(direct) == ["population", "split_half", "split_half_bound"]
    for name, values in direct.items():
        np.testing.assert_array_equal(table.loc[table.ceiling_name == name, "value"], values)
    assert table.loc[table.used, "ceiling_name"].unique().tolist() == ["split_half_bound"]
    assert table.loc[table.used, "chance"].notna().all()


def test_alignment_is_the_workflows(arrays):
    grid = arrays[1]["grid"]
    other = grid + np.random.default_rng(0).standard_normal(grid.shape)
    found = itcortex.align_maps(grid, other, draws=30, seed=4)
    null = Null("shift", 30, np.random.default_rng(4))
    names = tuple(str(i) for i in range(24))
    expected = alignment_table(grid.astype(float), other, names, ("0", "1", "2"), null)
    pd.testing.assert_frame_equal(found, expected)


def test_a_recording_has_its_own_trials_and_time(arrays):
    """A window of a Recording is averaged, as in the workflow; trials beside it are refused."""
    flat = arrays[1]["flat"]
    responses = np.stack([flat, 3 * flat], axis=1)[:, None, None]
    recording = Recording(responses, IDS, SITES, {"ms_start": 0, "ms_bin": 10})
    options = {"folds": 4, "components": 3, "draws": 10}
    layer = arrays[0]["late"].mean((1, 2))
    both = itcortex.predictivity(layer, recording, window=(0, 20), **options)
    direct = itcortex.predictivity(
        pd.DataFrame(layer, index=IDS), pd.DataFrame(2 * flat, index=IDS), **options
    )
    np.testing.assert_allclose(both.predictions, direct.predictions, rtol=1e-6)
    assert both.summary[["window_start", "window_stop"]].to_numpy().tolist() == [[0, 20]]
    with pytest.raises(UserError, match="a window"):
        itcortex.predictivity(layer, recording, **options)
    with pytest.raises(UserError, match="a Recording has its own"):
        itcortex.noise_ceiling(recording, trials=np.ones((24, 3, 2)))


def test_a_missing_trial_is_left_out_of_the_mean():
    trials = np.ones((6, 2, 3))
    trials[0, 0] = [1.0, 4.0, np.nan]
    recording, _ = as_recording(None, trials)
    assert recording.responses[0, 0, 0, 0].tolist() == [2.5, 1.0]


REFUSED = {
    "axes of responses": (np.ones((4, 3, 2)), r"responses: axes \(4, 3, 2\); expected \(image, site\)"),
    "text": (np.array([["a", "b"]] * 4), "responses: not an array of numbers"),
    "NaN": (np.array([[1.0, np.nan]] * 4), r"NaN or infinite responses for 4 pairs"),
    "one axis": (np.arange(4.0), r"responses: axes \(4,\)"),
    "names that the features lack": (
        pd.DataFrame(np.eye(4), index=["a", "b", "c", "e"]), "1 of 4 images .* for 'e'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("responses", "message"), REFUSED.values(), ids=REFUSED)
def test_responses_that_cannot_be_used_are_refused(responses, message):
    features = pd.DataFrame(np.eye(4), index=list("abcd"))
    with pytest.raises(UserError, match=message):
        itcortex.predictivity(features, responses)


def test_what_does_not_fit_is_named():
    eye = np.eye(24)
    with pytest.raises(UserError, match="features of 24 images, responses to 23"):
        itcortex.predictivity(eye, eye[:23])
    with pytest.raises(UserError, match=r"layers of different numbers of images: \{'a': 24"):
        as_features({"a": eye, "b": eye[:23]})
    with pytest.raises(UserError, match="no layer"):
        as_features({})
    with pytest.raises(UserError, match="features: a: holds NaN"):
        as_features({"a": np.full((3, 2), np.nan)})
    with pytest.raises(UserError, match="groups: 3 labels for 24 images"):
        itcortex.predictivity(eye, eye, groups=[1, 2, 3])
    with pytest.raises(UserError, match="choose at most 4 folds"):
        itcortex.predictivity(eye, eye, folds=10)
    with pytest.raises(UserError, match="rule: 'exakt' does not exist; did you mean 'exact'"):
        itcortex.predictivity(eye, eye, folds=4, rule="exakt")
    with pytest.raises(UserError, match="has no ceiling"):
        itcortex.noise_ceiling(eye, name="split_half", folds=4)
    with pytest.raises(UserError, match="one site without single trials"):
        itcortex.noise_ceiling(eye[:, :1], folds=4)
    with pytest.raises(UserError, match="no grid"):
        itcortex.align_maps(eye, eye)


def test_images_with_the_same_features_are_told_unless_groups_are_given(caplog):
    """The same picture under two names: in training and test images alike."""
    rng = np.random.default_rng(0)
    layer, sites = rng.standard_normal((20, 6)), rng.standard_normal((20, 3))
    layer[[4, 9]] = layer[[3, 3]]
    given = {"a": layer, "b": rng.standard_normal((20, 2, 2, 8))}
    given["b"][[4, 9]] = given["b"][[3, 3]]
    itcortex.predictivity(given, sites, folds=4, components=2)
    assert "2 of 20 images have the same features as another one" in caplog.text
    caplog.clear()
    itcortex.predictivity(given, sites, folds=4, components=2, groups=range(20))
    given["b"][9] += 1e-3
    given["b"][4] -= 1e-3
    itcortex.predictivity(given, sites, folds=4, components=2)
    assert caplog.text == ""


def test_an_image_with_features_twice_is_refused():
    rng = np.random.default_rng(0)
    names = [f"i{k}" for k in range(20)]
    sites = pd.DataFrame(rng.standard_normal((20, 3)), index=names)
    layer = pd.DataFrame(rng.standard_normal((21, 6)), index=[*names, "i3"])
    with pytest.raises(UserError, match="features: image 'i3' is there twice; keep one row"):
        itcortex.predictivity(layer, sites, folds=4)


def test_predicted_maps_are_joined_with_recorded_ones_by_name(rng):
    maps = rng.standard_normal((3, 9, 9, 2))
    coords = {"image": list("abc"), "site": ["s", "t"]}
    recorded = xr.DataArray(maps, dims=("image", "y", "x", "site"), coords=coords)
    predicted = recorded.isel(image=[2, 0, 1], site=[1, 0]).transpose("site", "image", "y", "x")
    table = itcortex.align_maps(recorded, predicted, draws=20)
    assert (table[(table["site"] != "reference") & (table["scale"] == 1)]["rho"] > 0.999).all()
    with pytest.raises(UserError, match="predicted: their images"):
        itcortex.align_maps(recorded, predicted.assign_coords(image=list("abx")), draws=20)
