"""Values are joined by their names, and what their order or their mask would change is never silent."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from itcortex.api.inputs import as_features, as_recording, joined
from itcortex.api.labelled import labelled
from itcortex.errors import UserError

NAMES = [f"p{k}" for k in range(8)]


def array(rng, *shape):
    return rng.standard_normal(shape)


def test_a_mask_is_a_missing_value(rng):
    """The number below it, here -999, is never read."""
    values = np.ma.masked_array(array(rng, 8, 3), mask=False)
    values[2, 1] = -999
    values.mask[2, 1] = True
    assert np.isnan(labelled(values, "v").values).sum() == 1
    with pytest.raises(UserError, match="responses: NaN or infinite responses for 1 pairs"):
        as_recording(values)
    with pytest.raises(UserError, match="features: features: holds NaN"):
        as_features(values)


def test_masked_trials_are_left_out_of_means(rng):
    trials = array(rng, 8, 3, 4)
    masked = np.ma.masked_array(np.where(np.arange(4) == 2, -999.0, trials), mask=False)
    masked.mask[:, :, 2] = True
    recording, _ = as_recording(None, masked)
    expected = trials[:, :, [0, 1, 3]].mean(-1)
    np.testing.assert_allclose(recording.responses[:, 0, 0, 0], expected)


@pytest.mark.parametrize("named", [False, True])
def test_trials_are_put_in_order_by_the_names_of_their_dimensions(rng, named):
    """Equal lengths: the shape says nothing."""
    trials = array(rng, 8, 8, 8)
    coords = {"image": NAMES, "site": [f"s{k}" for k in range(8)]} if named else {}
    given = xr.DataArray(trials, dims=("image", "site", "repeat"), coords=coords)
    for dims in (("repeat", "image", "site"), ("site", "repeat", "image")):
        recording, has_names = as_recording(None, given.transpose(*dims))
        np.testing.assert_array_equal(recording.trials[:, 0, 0, 0], trials)
        np.testing.assert_allclose(recording.responses[:, 0, 0, 0], trials.mean(-1))
        assert has_names == named
        assert recording.image_ids == (tuple(NAMES) if named else tuple("01234567"))


def test_trials_are_joined_with_responses_by_name(rng):
    trials = array(rng, 8, 3, 4)
    coords = {"image": NAMES, "site": list("abc")}
    named = xr.DataArray(trials, dims=("image", "site", "repeat"), coords=coords)
    responses = pd.DataFrame(trials.mean(-1), index=NAMES, columns=list("abc"))
    turned = responses.iloc[::-1, [2, 0, 1]]
    recording, _ = as_recording(turned, named)
    assert recording.image_ids == tuple(NAMES[::-1]) and recording.site_ids == ("c", "a", "b")
    np.testing.assert_allclose(recording.trials.mean(-1)[:, 0, 0, 0], turned)
    with pytest.raises(UserError, match=r"trials: their images .* 'p0' is in one alone"):
        as_recording(responses.rename(index={"p0": "q"}), named)
    with pytest.raises(UserError, match=r"dimensions \('image', 'site', 'time'\), none of which"):
        as_recording(responses, named.rename(repeat="time"))


def test_the_image_dimension_may_be_the_last_one(rng):
    values = array(rng, 5, 8)
    features = xr.DataArray(values, dims=("feature", "image"), coords={"image": NAMES})
    found = as_features(features)
    np.testing.assert_array_equal(found["features"], values.T)
    assert found.image_ids == tuple(NAMES)


def test_rows_that_are_numbered_in_no_order_are_joined_by_number_or_refused(rng):
    """A shuffled frame beside an array: nobody knows whether the array was shuffled too."""
    features, responses = pd.DataFrame(array(rng, 8, 5)), pd.DataFrame(array(rng, 8, 3))
    order = rng.permutation(8)
    shuffled = features.iloc[order]
    for other in (responses, responses.to_numpy()):
        with pytest.raises(UserError, match=r"features: rows are numbered .* reset_index"):
            joined(as_features(shuffled), *as_recording(other))
    with pytest.raises(UserError, match="responses: rows are numbered"):
        joined(as_features(features), *as_recording(responses.iloc[order]))
    rows = joined(as_features(shuffled), *as_recording(responses.iloc[::-1]))
    assert order[rows].tolist() == list(range(8))[::-1]
    part = features.iloc[[1, 3, 6]]  # left over by a filter, in their order
    assert joined(as_features(part), *as_recording(responses.iloc[:3].to_numpy())) == [0, 1, 2]


def test_labels_of_images_go_by_the_names_of_images(rng):
    responses = pd.DataFrame(array(rng, 8, 3), index=NAMES)
    groups = pd.Series([f"g{k // 2}" for k in range(8)], index=NAMES)
    recording, _ = as_recording(responses, groups=groups.iloc[::-1])
    assert recording.pictures == tuple(groups)
    for plain in (groups.reset_index(drop=True), groups.to_numpy(), list(groups)):
        assert as_recording(responses, groups=plain)[0].pictures == tuple(groups)
    with pytest.raises(UserError, match=r"groups: no label for 'p7'.*to_numpy"):
        as_recording(responses, groups=groups.iloc[:7])
    numbered = groups.reset_index(drop=True).iloc[rng.permutation(8)]
    with pytest.raises(UserError, match="groups: rows are numbered"):
        as_recording(responses.to_numpy(), groups=numbered)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((3, 2), 1 + 2j), "complex numbers"),
        (np.full((3, 2), 1e200), r"values up to 1e\+200, whose squares"),
        (np.full((3, 2), 1e-200), "values up to 1e-200, whose squares"),
        (np.array([["a", "b"]] * 3), "not an array of numbers"),
    ],
)
def test_what_are_no_numbers_to_calculate_with_is_refused(values, message):
    with pytest.raises(UserError, match=f"responses: {message}"):
        as_recording(values)
