"""Agreement with human attention: known answers, controls, undefined cases, the rules' scripts."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, spearmanr

from itcortex.attention import agreement
from itcortex.data.photographs import Photographs, total_maps
from itcortex.errors import UserError
from itcortex.numerics import ranks as numerics_ranks
from itcortex.tables import summary as tables_summary
from made.attention import CEILINGS, SIDE, of, photographs, smooth_maps
from made.tables import DESCRIPTION

LABELS = {"attention": "osie", "model": "net", "weights": "imagenet"}


def scored(shown, saliency, blur=0.03, labels=None) -> pd.DataFrame:
    """Scores of made saliency, with all of the set's photographs in one file."""
    classes = labels or [0] * len(saliency)
    totals, count = total_maps([shown])
    return agreement.score(shown, zip(saliency, classes, strict=True), totals, count, blur)


# --- ranks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.1, 0.4])
def test_any_centred_gaussian_has_the_ranks_of_the_centre_bias(width):
    # wide enough that its tails are no ties of zeros
    steps = (np.arange(SIDE) + 0.5) / SIDE
    places = np.stack(np.meshgrid(steps, steps), axis=-1)
    bump = multivariate_normal([0.5, 0.5], np.eye(2) * width**2).logpdf(places).round(9)
    found = numerics_ranks.unit_ranks(agreement.centre_bias())
    assert numerics_ranks.correlate_ranks(found, numerics_ranks.unit_ranks(bump)) == pytest.approx(
        1, abs=1e-5
    )


# --- scores ---------------------------------------------------------------------------------------


def test_saliency_that_is_the_map_scores_one_and_its_opposite_minus_one(rng):
    shown = photographs(rng)
    eye = shown.maps["eye"]
    table = scored(shown, [eye[0], -eye[1], eye[2] ** 3, np.ones((SIDE, SIDE))])
    np.testing.assert_allclose(of(table), [1, -1, 1, np.nan], atol=1e-6)
    np.testing.assert_allclose(of(table, column="rho_partial"), [1, -1, 1, np.nan], atol=1e-4)


def test_maps_of_covering_are_rows_of_their_own_where_there_are_any(rng):
    shown, saliency = photographs(rng, kinds=("eye", "mouse")), smooth_maps(rng, 4)
    pairs = [(one, 0) for one in saliency]
    without = agreement.score(shown, pairs, *total_maps([shown]), 0.03)
    assert set(without["saliency"]) == {"raw", "blurred", ""}
    table = agreement.score(shown, pairs, *total_maps([shown]), 0.03, iter(-saliency))
    added = table[table["saliency"] == "covering"]
    pd.testing.assert_frame_equal(table.drop(added.index).reset_index(drop=True), without)
    np.testing.assert_allclose(added["rho"], -table[table["saliency"] == "raw"]["rho"], atol=1e-6)
    assert set(added["control"]) == {"none", "shuffled_images"}


def test_every_row_is_what_scipy_makes_of_it(rng):
    shown, saliency = photographs(rng, kinds=("eye", "mouse")), smooth_maps(rng, 4)
    table = scored(shown, saliency, labels=[5, 6, 7, 8])
    assert len(table) == 4 * 2 * (2 * 2 + 2)
    assert table.groupby("image")["label"].first().tolist() == [5, 6, 7, 8]
    assert set(table["label_source"]) == {"predicted"}
    mouse = shown.maps["mouse"].astype(float)

    def rho(a, b):
        return spearmanr(np.ravel(a), np.ravel(b)).statistic

    for k in range(4):
        rows = table[(table["image"] == shown.image_ids[k]) & (table["map_kind"] == "mouse")]
        found = rows.set_index(["saliency", "control"])["rho"]
        others = np.delete(mouse, k, axis=0).mean(0)
        expected = {
            ("raw", "none"): rho(saliency[k], mouse[k]),
            ("raw", "shuffled_images"): rho(saliency[k], mouse[(k + 2) % 4]),
            ("blurred", "none"): rho(agreement.smooth(saliency[k], 0.03), mouse[k]),
            ("", "centre_bias"): rho(agreement.centre_bias(), mouse[k]),
            ("", "other_images"): rho(others, mouse[k]),
        }
        for key, value in expected.items():
            assert found[key] == pytest.approx(value, abs=5e-6), key
        partial = numerics_ranks.partial(
            expected["raw", "none"], rho(saliency[k], others), expected["", "other_images"]
        )
        assert rows["rho_partial"].iloc[0] == pytest.approx(partial, abs=2e-5)


@pytest.mark.long
def test_partial_score_is_zero_for_a_network_that_only_likes_the_usual_places(rng):
    """Everybody looks at one common place and at one of their own; the network knows the common one."""
    common = 3 * smooth_maps(rng, 1)[0]
    own = rng.normal(size=(40, SIDE, SIDE)).astype(np.float32)
    names = tuple(map(str, range(40)))
    shown = Photographs(names, (b"",) * 40, {"eye": common + own})
    noise = rng.normal(size=(40, SIDE, SIDE))
    usual, both = scored(shown, common + noise), scored(shown, common + own + noise)
    # the mean of 39 others still holds a little of their own noise
    assert of(usual).mean() > 0.3 and abs(of(usual, column="rho_partial").mean()) < 0.04
    # own and own + noise: r = sqrt(1/2)
    assert of(both, column="rho_partial").mean() == pytest.approx(0.69, abs=0.05)
    assert of(both, "shuffled_images").mean() < of(both).mean() - 0.3


def test_smoothing_undoes_noise_that_is_finer_than_maps(rng):
    shown = photographs(rng, 2)
    noisy = shown.maps["eye"] + rng.normal(0, 1, (2, SIDE, SIDE))
    table = scored(shown, noisy)
    assert (of(table) < 0.35).all() and (of(table, saliency="blurred") > 0.9).all()


def test_a_set_of_one_photograph_has_no_others(rng):
    table = scored(photographs(rng, 1), smooth_maps(rng, 1))
    undefined = table[table["rho"].isna()]
    assert set(undefined["control"]) == {"shuffled_images", "other_images"}
    assert table["rho_partial"].isna().all()


def test_parts_of_a_set_score_as_the_whole_but_for_the_shuffled_partner(rng):
    shown, saliency = photographs(rng, 4), smooth_maps(rng, 4)
    parts = [
        Photographs(shown.image_ids[s], shown.jpegs[s], {"eye": shown.maps["eye"][s]})
        for s in (slice(0, 3), slice(3, 4))
    ]
    totals, count = total_maps(iter(parts))
    tables_summary = [
        agreement.score(part, zip(some, [0] * 4, strict=False), totals, count, 0.03)
        for part, some in zip(parts, (saliency[:3], saliency[3:]), strict=True)
    ]
    whole, joined = scored(shown, saliency), pd.concat(tables_summary, ignore_index=True)
    same = whole["control"] != "shuffled_images"
    pd.testing.assert_frame_equal(whole[same], joined[same], atol=1e-6)


def test_maps_of_another_size_are_refused():
    with pytest.raises(UserError, match=r"need maps \(2, 224, 224\); 'eye' is \(2, 64, 64\)"):
        Photographs(("a", "b"), (b"", b""), {"eye": np.zeros((2, 64, 64))})


# --- summary --------------------------------------------------------------------------------------


def raw(values, model="net", control="none", partial=None, **more) -> pd.DataFrame:
    """Scores of some photographs."""
    rows = {
        "image": [f"{k}.jpg" for k in range(len(values))],
        "label_source": "label", "label": 0, "map_kind": "eye",
        "saliency": "" if control in agreement.MODEL_FREE else "raw", "control": control,
        "rho": values, "rho_partial": np.nan if partial is None else partial,
        "attention": "osie", "model": model, "weights": "imagenet",
    }  # fmt: skip
    return pd.DataFrame(rows | more)


def test_summary_holds_means_intervals_ceilings_and_counts_what_is_undefined(rng):
    values = rng.normal(0.4, 0.1, 200)
    values[7] = np.nan
    table = agreement.summarise(
        raw(values, partial=values / 2), CEILINGS, {"osie": "half_half"}, 2000, rng
    )
    (row,) = table.to_dict("records")
    defined = values[np.isfinite(values)]
    assert (row["n_images"], row["undefined"], row["label_source"]) == (200, 1, "label")
    assert row["rho"] == pytest.approx(defined.mean())
    error = defined.std() / np.sqrt(len(defined))
    assert row["rho_low"] == pytest.approx(row["rho"] - 1.96 * error, abs=0.2 * error)
    assert row["rho_high"] == pytest.approx(row["rho"] + 1.96 * error, abs=0.2 * error)
    assert (row["ceiling_name"], row["ceiling"]) == ("half_half", pytest.approx(0.8))
    assert row["rho_over_ceiling"] == pytest.approx(row["rho"] / 0.8)
    assert row["rho_over_ceiling_low"] == pytest.approx(row["rho_low"] / 0.8)
    assert row["ceiling_partial"] == pytest.approx(0.5)
    assert row["rho_partial_over_ceiling"] == pytest.approx(row["rho_partial"] / 0.5)


def test_a_model_without_any_defined_score_has_none(rng):
    table = agreement.summarise(raw([np.nan, np.nan]), CEILINGS, {"osie": "half_half"}, 100, rng)
    assert table["undefined"].tolist() == [2]
    assert table[["rho", "rho_low", "rho_high", "rho_over_ceiling"]].isna().all(axis=None)


def test_controls_without_a_model_come_once_a_set(rng):
    parts = [raw([0.1, 0.3], m) for m in "ab"]
    parts += [raw([0.5, 0.7], m, control="centre_bias") for m in "ab"]
    table = agreement.summarise(pd.concat(parts), CEILINGS, {"osie": "half_half"}, 100, rng)
    control = table[table["control"] == "centre_bias"]
    assert control[["model", "n_images", "rho"]].to_numpy().tolist() == [["", 2, 0.6]]
    models = pd.DataFrame([{"model": "a", "weights": "imagenet"} | DESCRIPTION])
    described = tables_summary.describe_models(table, models)
    assert described.set_index("model")["category"].to_dict() == {"a": "cnn", "b": "", "": ""}
    assert described.set_index("model")["top1"]["a"] == 70.0


def test_a_published_ceiling_divides_as_the_paper_does(rng):
    from itcortex.data.published.clickme import INTER_HUMAN

    ceilings = agreement.published_ceilings({"clickme": {"clicks inter_human": INTER_HUMAN}})
    scores = raw([0.2, 0.4], attention="clickme", map_kind="clicks")
    table = agreement.summarise(scores, ceilings, {"clickme": "inter_human"}, 100, rng)
    assert table["rho_over_ceiling"][0] == pytest.approx(0.3 / 0.6575315343478081)
    assert np.isnan(table["ceiling_partial"][0])


def test_an_unknown_ceiling_names_the_nearest(rng):
    with pytest.raises(
        UserError, match="'osie' has no ceiling 'half_halv'; did you mean 'half_half'"
    ):
        agreement.summarise(raw([0.1, 0.2]), CEILINGS, {"osie": "half_halv"}, 10, rng)


# --- the line of rules ----------------------------------------------------------------------------
