"""What the page's script is given is what the tables hold."""

import base64
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from itcortex import store
from itcortex.data.photographs import MAP_SIDE, Photographs
from itcortex.encoding.map_alignment import site_average
from itcortex.report import (
    claims,
    findings,
    limits,
    methods,
    page,
    payload,
    picture_files,
    pictures,
)
from itcortex.tables import panels
from made import report as made_report
from made import tables as made_tables

HARMONIZED = ("resnet_h", "harmonized", "harmonized", "resnet", 76.0, 0.66)
SCORE = "r_over_ceiling"


@pytest.fixture(scope="module")
def summary():
    """The demo's summary, with a harmonized network whose baseline is the second model."""
    table = made_tables.summary([*made_tables.DEMO, HARMONIZED])
    return made_report.with_twin(table)


@pytest.fixture(scope="module")
def shown(summary):
    return made_report.tables(summary)


@pytest.fixture(scope="module")
def built(summary, shown):
    return payload.build(shown, made_report.run(summary), {}, {}, {})


def of_key(measures, key):
    """The one measure of a key."""
    (found,) = [one for one in measures if one["key"] == key]
    return found


def test_scores_are_those_of_the_summary(built, summary):
    main = summary[summary["main_window"] & (summary["control"] == "none")]
    assert [one["recording"] for one in built["conditions"]] == ["m1_pl", "m1_ml", "m2_ml"]
    for key, place in ((SCORE, "values"), (f"{SCORE}_low", "low"), (f"{SCORE}_high", "high")):
        found = of_key(built["scores"], SCORE)[place]
        for values, name in zip(found, ("m1_pl", "m1_ml", "m2_ml"), strict=True):
            np.testing.assert_allclose(values, main[main["recording"] == name][key], rtol=1e-4)


def test_facts_and_texts_are_those_of_the_table_of_models(built):
    assert of_key(built["facts"], "top1")["values"] == [75.1, 76.8, 77.6, 0.1, 0.1, 76]
    assert [one["name"] for one in built["models"]][-1] == "resnet_h"
    assert [one["baseline"] for one in built["models"]] == [None] * 5 + [1]


def test_controls_have_a_category_of_their_own_and_are_in_no_trend(summary, shown):
    """A control has the category `harmonized` in the table: the page would call it harmonized."""
    models = shown["models"]
    ours = models["category"] == "harmonized"
    tables = shown | {"models": models.assign(condition=np.where(ours, "of_others", ""))}
    content = payload.build(tables, made_report.run(summary), {}, {}, {})
    assert {one["category"] for one in content["models"]} >= {"of_others", "cnn"}
    assert "harmonized" not in {one["category"] for one in content["models"]}
    assert {"of_others", "mean"} < set(content["beside"])


def test_layers_folds_and_courses_are_those_of_their_tables(built, shown, summary):
    scores = shown["scores"]
    first = scores[(scores["recording"] == "m1_ml") & (scores["model"] == "tf_efficientnet_lite1")]
    first = first[first["control"] == "none"]
    layers = built["layers"][1]["1"]
    means = first.groupby("layer", observed=True, sort=False)["r"].mean()
    assert layers["names"] == list(means.index)
    np.testing.assert_allclose(layers["r"], means, rtol=1e-4)
    np.testing.assert_allclose(np.sum(layers["chosen"]), 1, rtol=1e-3)  # every fold chose one
    np.testing.assert_allclose(built["folds"][1]["1"], first[first["chosen"]]["r"], rtol=1e-4)
    course = built["courses"][1]["models"]["1"]["r"]
    rows = summary[(summary["recording"] == "m1_ml") & (summary["control"] == "none")]
    np.testing.assert_allclose(
        course, rows[rows["model"] == "tf_efficientnet_lite1"]["r"], rtol=1e-4
    )


def test_a_recording_that_a_model_lacks_is_null(summary):
    lacks = (summary["recording"] == "m2_ml") & (summary["model"] == "resnet18")
    part = summary[~lacks]
    built = payload.build(made_report.tables(part), made_report.run(part), {}, {}, {})
    values = of_key(built["scores"], "r")["values"]
    assert values[2][3] is None and None not in values[0]
    assert "3" not in built["layers"][2] and "3" in built["layers"][0]


def test_rsa_and_attention_are_measures_of_their_models(summary, shown):
    named = {"model": "resnet18", "weights": "untrained"}
    more = shown | {"rsa": made_tables.rsa().assign(**named)}
    attention = made_tables.attention()
    more["attention"] = attention.assign(**{k: [v, ""] for k, v in named.items()})
    built = payload.build(more, made_report.run(summary), {}, {}, {})
    rsa = of_key(built["facts"], "rsa/monkey/map/rho_chosen_held_out")
    assert (rsa["values"][3], rsa["low"][3], rsa["high"][3]) == (0.42, 0.38, 0.47)
    assert rsa["values"][0] is None
    assert of_key(built["facts"], "attention/photos/eye/rho_partial")["values"][3] == 0.11


def test_texts_cannot_leave_the_data_block(built):
    evil = "</script><img src=x onerror=alert(1)>&amp;"
    text = page.as_data_block(built | {"evil": evil})
    assert "<" not in text and ">" not in text and "&" not in text
    assert json.loads(text)["evil"] == evil


@pytest.mark.parametrize(
    ("value", "plain"),
    [(np.nan, None), (np.inf, None), (0.123456789, 0.12346), (240.0, 240), (-0.0, 0), (1e-9, 1e-9)],
)
def test_numbers_have_five_digits_and_what_is_missing_is_null(value, plain):
    assert payload.plain(value) == plain
    assert payload.plain(np.array([[value]])) == [[plain]]


def test_maps_are_bytes_around_the_middle():
    maps = np.zeros((1, 2, 2))
    maps[0] = [[-1, 1], [1, -1]]  # one standard deviation each
    one, other = round((1 / 2.5 + 1) / 2 * 255), round((1 - 1 / 2.5) / 2 * 255)
    assert list(base64.b64decode(pictures.activity(maps))) == [other, one, one, other]
    flat = base64.b64decode(pictures.attention(np.ones((1, 28, 28))))
    assert set(flat) == {round(0.5 * 255)}  # a map without ranks is in the middle


def test_images_of_a_page_are_few_and_spread():
    np.testing.assert_array_equal(pictures.shown(5), range(5))
    assert len(pictures.shown(640)) == pictures.MOST_IMAGES
    assert pictures.shown(640)[0] == 0 and pictures.shown(640)[-1] == 639


def test_maps_come_from_the_files_of_recordings_and_predictions(tmp_path):
    paths, name = made_tables.files(tmp_path, grid=(5, 6), n_images=3)
    single, other = made_tables.files(tmp_path, grid=(1, 1), n_images=3)
    found = picture_files.read_maps(
        [paths["recording"], single["recording"]],
        [paths["stimuli"], single["stimuli"]],
        [*paths["predictions"], *single["predictions"]],
        [name, other],
    )
    assert list(found) == [name]  # what has no grid has no maps
    maps = found[name]
    assert maps["shape"] == [5, 6] and maps["images"] == ["photo0.jpg", "photo1.jpg", "photo2.jpg"]
    predicted = store.read_recording(paths["predictions"][1])
    expected = pictures.activity(site_average(predicted.responses[:, :, :, 0].astype(float)))
    assert maps["models"]["b untrained"] == expected != maps["models"]["a imagenet"]
    assert len(base64.b64decode(maps["recorded"])) == 3 * 5 * 6
    assert all(one.startswith("data:image/jpeg;base64,") for one in maps["photographs"])


def test_saliency_comes_from_the_files_of_photographs_and_examples(tmp_path):
    rng = np.random.default_rng(0)
    jpeg = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(jpeg, "JPEG")
    maps = {"eye": rng.random((2, MAP_SIDE, MAP_SIDE), dtype=np.float32)}
    photographs = Photographs(("p0", "p1"), (jpeg.getvalue(),) * 2, maps)
    store.write_photographs(tmp_path / "photographs.parquet", photographs)
    own = rng.random((1, MAP_SIDE, MAP_SIDE), dtype=np.float32)
    labels = {"attention": "osie", "model": "m", "weights": "w", "image_ids": ["p1"]}
    store.write_arrays(tmp_path / "examples.h5", {"saliency": own}, labels)
    found = picture_files.read_saliency(
        [tmp_path / "photographs.parquet"], [tmp_path / "examples.h5"], [["osie", "osie"]]
    )["osie"]
    assert found["images"] == ["p1"]
    assert found["models"] == {"m w": [pictures.attention(own)]}
    assert found["human"] == {"eye": pictures.attention(maps["eye"][1:])}


# --- claims, methods, limits ----------------------------------------------------------------------


def test_claims_have_the_papers_number_ours_and_the_interval(summary, shown):
    lines = claims.of_run(summary, shown["tradeoff"], shown["harmonized"])
    rank, gain, trained = lines[0], lines[3], lines[6]
    assert (rank.where, rank.number) == ("PL, Monkey 1 (SIMULATED)", "–")
    assert rank.paper.startswith("ρ = −0.07") and rank.note.endswith("5 are needed")
    rows = summary[summary["main_window"] & (summary["recording"] == "m1_pl")]
    real = rows[rows["control"] == "none"].set_index("model")
    expected = real.loc["resnet_h"].r - real.loc["tf_efficientnet_lite1"].r
    assert gain.number == f"{expected:.3f}" and gain.paper.startswith("+0.042")
    assert gain.limits == f"{expected - 0.03:.3f} to {expected + 0.02:.3f}"
    best = real[real["category"] == "cnn"]["r"].max()
    assert gain.note.endswith(f"the best other one: {real.loc['resnet_h'].r - best:.3f}")
    best = real[real["category"] != "untrained"].sort_values("r").iloc[-1]
    assert (trained.number, trained.limits) == (
        f"{best.r:.2f}",
        f"{best.r_low:.2f} to {best.r_high:.2f}",
    )


def by_condition(summary):
    """Three seeds of two conditions of a network; a control is best of all, by chance."""
    start = summary[summary["model"] == "tf_efficientnet_lite1"]
    parts = [
        start.assign(weights=f"{condition}/seed-{seed}", category="harmonized", condition=condition,
                     r=start["r"] + gain + seed / 1000, seed=float(seed), strength=10.0, baseline="")
        for condition, gain in (("human", 0.001), ("mean", 0.3)) for seed in range(3)
    ]  # fmt: skip
    others = summary[summary["category"] != "harmonized"]
    return pd.concat([others, *parts], ignore_index=True)


def test_no_seed_and_no_control_is_called_the_best_network(summary, shown):
    many = by_condition(summary)
    lines = claims.of_run(many, shown["tradeoff"], shown["harmonized"])
    (panel, *_) = panels.of_summary(many)
    elsewhere = summary[(summary["recording"] == panel.recording) & summary["main_window"]
                        & (summary["control"] == "none")
                        & ~summary["category"].isin(["untrained", "harmonized"])]  # fmt: skip
    best = elsewhere.sort_values("r").iloc[-1]
    trained = next(one for one in lines if one.claim.startswith("Trained networks predict"))
    assert trained.number == f"{best['r']:.2f}" and best["model"] in trained.note
    said = " ".join(findings.sentences(panel, many, shown["tradeoff"]))
    assert (
        f"Of 3 trained networks from elsewhere {best['model']}" in said and "mean/seed" not in said
    )


def test_the_harmonizers_claim_has_the_interval_of_the_table_of_conditions(summary, shown):
    """Three seeds of one network were three networks without an interval."""
    many = by_condition(summary)
    row = {"measure": "r", "target": "m1_pl", "mapping": "pls", "model": "", "condition": "human",
           "compared_with": "none", "difference": 0.012, "low": 0.001, "high": 0.02, "n_models": 1,
           "n_seeds": 3, "n_targets": 1, "drawn": "folds, sites, seeds", "strength": 10.0,
           "main_strength": True, "note": ""}  # fmt: skip
    lines = claims.of_run(many, shown["tradeoff"], shown["harmonized"], pd.DataFrame([row]))
    gain = next(one for one in lines if "harmonizer breaks" in one.claim)
    assert (gain.number, gain.limits) == ("0.012", "0.001 to 0.020")
    assert gain.note.startswith("1 network, 3 pairs of equal seed (strength 10): r minus that of")
    assert "folds, sites, seeds" in gain.note


def test_methods_say_what_the_settings_say(summary, shown):
    about = made_report.run(summary)
    written = methods.write(about.settings, shown, about.datasets, about.registry)
    text = " ".join(paragraph for _, paragraph in written.paragraphs)
    assert "partial least squares (Wold et al., 2001; Dayal and MacGregor, 1997)" in text
    assert "at most 25 components" in text and "one image at a time" in text
    assert "SIMULATED responses of 32 sites in PL of Monkey 1" in text
    assert "95 % of 1000 bootstrap draws" in text and "rsa" not in text.lower()
    changed = about.settings | {"encoding": about.settings["encoding"] | {"components": 7}}
    other = methods.write(changed, shown, about.datasets, about.registry)
    assert "at most 7 components" in dict(other.paragraphs)["Mapping"]
    assert "PLS has at most 7 components; the paper's has 25." in limits.deviations(changed)
    assert {"linsley2023", "arcaro2020", "wold2001"} <= written.works.keys()


def test_limits_name_ceilings_that_bound_nothing_and_trends_that_cannot_be_tested(summary, shown):
    weak = summary.assign(ceiling_name="population", n_sites=5)
    found = limits.limits(weak, shown["tradeoff"])
    assert any("population is no upper bound" in one for one in found)
    assert "m1_pl, m1_ml, m2_ml: fewer than 10 sites." in found
    (first, *_) = panels.of_summary(summary)
    assert f"{first.title}: with 3 networks the trade-off cannot be tested." in found


def test_limits_name_loud_units_penalties_at_an_end_and_folds_without_a_score(summary, shown):
    """Of the networks that have them; of none, no sentence."""
    some = summary["model"] == summary["model"].iloc[0]
    name = "{model} {weights}".format(**summary.iloc[0])
    silent = np.where(summary["recording"] == "m1_ml", 2, 0)
    marked = summary.assign(
        loudest_unit=np.where(some, 1e4, 8), penalty_at_edge=0.2 * some, undefined_folds=silent
    )
    found = limits.limits(marked, shown["tradeoff"])
    (loud,) = [one for one in found if "loudest_unit" in one]
    (edge,) = [one for one in found if "penalty_at_edge" in one]
    assert loud.startswith(f"{name}: a unit of some layer varies more than 100 times as much")
    assert any(
        one.startswith("m1_ml (2): folds in which no site's responses vary") for one in found
    )
    assert edge.startswith(f"{name}: the best ridge penalty of 5 % or more of the sites")
    plain = limits.limits(summary, shown["tradeoff"])
    assert not any("loudest_unit" in one or "penalty_at_edge" in one for one in plain)


def test_paired_differences_are_those_of_their_table(built, shown, summary):
    table = shown["model_pairs"]
    rows = table[table["recording"] == "m1_ml"]
    found = built["paired"][1]
    assert len(found["first"]) == len(rows) == 15
    np.testing.assert_allclose(found["difference"], rows["difference"], rtol=1e-4)
    models = [one["name"] for one in built["models"]]
    assert [models[number] for number in found["second"]] == list(rows["other_model"])
    assert built["paired"][0]["p"] == [0.02] * 15
