"""Harmonized networks of several strengths and seeds in the trade-off's figure."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from itcortex.figures import accuracy, style, tradeoff, twins
from made import artists
from made import conditions as made_conditions
from made import tables as made_tables
from made.artists import points, texts

pytestmark = pytest.mark.long

PLACE = {"m1_pl": ("Monkey 1", "PL")}
BASES = [
    ("resnet50", "a1_in1k", "cnn", "resnet", 80.0, 0.45),
    ("vgg16", "tv_in1k", "cnn", "vgg", 71.6, 0.42),
    *made_tables.DEMO[3:],
]
SCORE = "r_over_ceiling"


def summary(trained, bases=BASES):
    """A summary of `bases` and of harmonized rows (model, strength, seed, top-1, predictivity)."""
    families = {name: (f"{name} {weights}", family) for name, weights, _, family, *_ in bases}
    rows = [
        (
            model,
            f"harmonized/strength-{strength}/seed-{seed}",
            "harmonized",
            families[model][1],
            *xy,
        )
        for model, strength, seed, *xy in trained
    ]
    table = made_tables.summary([*bases, *rows], PLACE, starts=np.array([90.0]))
    facts = {(row[0], row[1]): one[1:3] for row, one in zip(rows, trained, strict=True)}
    keys = zip(table.model, table.weights, strict=True)
    about = [("harmonized", *facts[key]) if key in facts else ("", np.nan, np.nan) for key in keys]
    table[["series", "strength", "seed"]] = about
    of_twin = table.category == "harmonized"
    return table.assign(baseline=[
        families[model][0] if twin else "" for model, twin in zip(table.model, of_twin, strict=True)
    ])  # fmt: skip


def score_of(table, model, strength=None):
    """Mean top-1 and score over the rows of a baseline or of one strength."""
    rows = table[(table.model == model) & (table.control == "none")]
    named = rows.weights.str.contains(f"strength-{strength}/")
    rows = rows[named if strength is not None else rows.category != "harmonized"]
    return rows.top1.mean(), rows[SCORE].mean()


def arrows(figure):
    """Start and end of every arrow."""
    drawn = [t for axes in figure.axes for t in axes.texts if t.arrow_patch and not t.get_text()]
    return [(t.get_position(), tuple(t.xy)) for t in drawn]


def marks(figure, label):
    """Points of all markers of a category, or of all lines of one label."""
    drawn = [at for name, *at in points(figure.axes) if name == label]
    lines = [line for axes in figure.axes for line in axes.lines if line.get_label() == label]
    return np.array([*drawn, *(at for line in lines for at in line.get_xydata())]).reshape(-1, 2)


def test_seeds_are_one_star_at_their_mean_with_dots_and_one_arrow():
    trained = [("resnet50", 1, seed, 79 + seed / 10, 0.5 + seed / 50) for seed in range(3)]
    table = summary(trained)
    figure = tradeoff.draw(table)
    mean = score_of(table, "resnet50", 1)
    np.testing.assert_allclose(marks(figure, "harmonized"), [mean])
    rows = table[(table.category == "harmonized") & (table.control == "none")]
    np.testing.assert_allclose(marks(figure, twins.SEED_LABEL), rows[["top1", SCORE]])
    np.testing.assert_allclose(arrows(figure), [(score_of(table, "resnet50"), mean)])
    assert texts(figure).count("resnet50 strength 1") == 1
    assert texts(figure).count("resnet50 a1_in1k") == 1
    assert texts(figure).count(twins.SEED_LABEL) == 1  # in the legend


def test_the_mean_of_seeds_has_no_interval_and_a_single_network_has_its_own():
    several = [("resnet50", 1, seed, 79.0, 0.5) for seed in (0, 1)]
    table = summary([*several, ("vgg16", 1, 0, 71.0, 0.5)])
    points = table[table.control == "none"].assign(x=lambda rows: rows.top1)
    found = twins.networks(points, SCORE)
    ends = found.loc["resnet50 harmonized strength 1", [f"{SCORE}_low", f"{SCORE}_high"]]
    assert ends.isna().all()
    alone = found.loc["vgg16 harmonized strength 1"]
    own = points[points.model.eq("vgg16") & points.category.eq("harmonized")].iloc[0]
    assert alone[f"{SCORE}_low"] == own[f"{SCORE}_low"]
    assert alone[SCORE] == own[SCORE]


def test_arrows_go_from_strength_to_strength_by_number_whatever_the_rows_order():
    trained = [
        ("resnet50", strength, seed, 79 - k, 0.4 + k / 10)
        for k, strength in enumerate((10, 0.5, 0, 2))  # as text 10 comes before 2
        for seed in (0, 1)
    ]
    table = summary(trained)
    stops = [score_of(table, "resnet50", strength) for strength in (0, 0.5, 2, 10)]
    path = [score_of(table, "resnet50"), *stops]
    np.testing.assert_allclose(arrows(tradeoff.draw(table)), list(itertools.pairwise(path)))
    assert not arrows(tradeoff.draw(table, arrows=False))


def test_every_baseline_has_its_own_path():
    trained = [(m, s, 0, 75.0 + s, 0.5) for s in (1, 2) for m in ("resnet50", "vgg16")]
    table = summary(trained)
    found = arrows(tradeoff.draw(table))
    expected = [
        pair
        for model in ("resnet50", "vgg16")
        for path in [[score_of(table, model, s) for s in (None, 1, 2)]]
        for pair in itertools.pairwise(path)
    ]
    np.testing.assert_allclose(found, expected)


def test_a_baseline_that_is_itself_trained_counts_with_all_its_seeds():
    trained = [("resnet50", s, seed, 79 + seed / 10, 0.5) for s in (0, 1) for seed in (0, 1)]
    table = summary(trained)
    at_zero = table.weights.str.contains("strength-0/")
    own = "resnet50 harmonized/strength-0/seed-0"
    table["baseline"] = np.where(table.category.eq("harmonized") & ~at_zero, own, "")
    ends = [score_of(table, "resnet50", strength) for strength in (0, 1)]
    np.testing.assert_allclose(arrows(tradeoff.draw(table)), [ends])


@pytest.mark.parametrize("baseline", ["", "resnet50 gone", "resnet18 untrained"])
def test_no_arrow_without_a_trained_baseline_in_the_panel(baseline):
    table = summary([("resnet50", 1, 0, 79.0, 0.5)])
    table["baseline"] = np.where(table.category == "harmonized", baseline, "")
    figure = tradeoff.draw(table)
    assert arrows(figure) == []
    assert len(marks(figure, "harmonized")) == 1


def test_the_columns_say_what_was_trained_alike_whatever_the_weights_are_called():
    table = summary([("resnet50", s, seed, 79.0 + seed, 0.5) for s in (0, 1) for seed in (0, 1)])
    at_zero = table.strength == 0
    own = "resnet50 harmonized/strength-0/seed-0"
    table["baseline"] = np.where(table.category.eq("harmonized") & ~at_zero, own, "")
    renamed = {name: f"run {k}" for k, name in enumerate(table.weights.unique())}
    called = table.assign(
        weights=table.weights.map(renamed),
        baseline=table.baseline.map({own: f"resnet50 {renamed[own.partition(' ')[2]]}", "": ""}),
    )
    assert arrows(tradeoff.draw(called)) == arrows(tradeoff.draw(table)) != []
    other = table.assign(series=table.series.where(table.seed != 1, "tuned"))
    assert len(marks(tradeoff.draw(other), "harmonized")) == 4  # no seeds of one network any more


def test_an_arrow_starts_at_the_seeds_of_the_baseline_that_are_there():
    """The twin's own seed of the baseline may have no score."""
    table = summary([("resnet50", s, seed, 79.0 + seed, 0.5) for s in (0, 1) for seed in (0, 1)])
    trained = table.strength > 0
    own = "resnet50 harmonized/strength-0/seed-" + table.seed.map("{:g}".format)
    table = table.assign(baseline=np.where(trained, own, ""))
    table.loc[(table.strength == 0) & (table.seed == 0), SCORE] = np.nan
    rest = table[(table.strength == 0) & (table.seed == 1) & (table.control == "none")]
    ends = [(80.0, rest[SCORE].item()), score_of(table, "resnet50", 1)]
    np.testing.assert_allclose(arrows(tradeoff.draw(table)), [ends])


# --- conditions -----------------------------------------------------------------------------------


def by_condition(seeds=(0, 1)):
    """A start, and networks fine-tuned with its own answers as labels, whose accuracy is not known."""
    told = made_conditions.models(("resnet50",), seeds)
    trained = told[told["condition"] != ""].to_dict("records")
    levels = {"none": 0.45, "human": 0.5, "of_others": 0.46, "mean": 0.44}
    rows = [
        ("resnet50", one["weights"], "cnn" if one["condition"] == "none" else "harmonized", "resnet",
         np.nan, levels[one["condition"]] + 0.01 * one["seed"])
        for one in trained
    ]  # fmt: skip
    bases = [(*one[:2], *one[2:]) for one in BASES]
    table = made_tables.summary([*bases, *rows], PLACE, starts=np.array([90.0]))
    about = {one["weights"]: one for one in trained}
    for column in ("condition", "baseline", "series", "strength", "seed"):
        known = [about.get(weights, {}).get(column) for weights in table.weights]
        table[column] = [
            old if new is None else new for old, new in zip(table[column], known, strict=True)
        ]
    return table


def test_networks_without_an_accuracy_stand_at_that_of_their_start_and_arrows_fan_out():
    table = by_condition()
    figure = tradeoff.draw(table)
    real = table[table.control == "none"]
    means = real.groupby("condition")[SCORE].mean()
    found = arrows(figure)
    assert len(found) == 3 and len({start for start, _ in found}) == 1
    (x, y), _ = found[0]
    assert 80 < x < 82 and y == pytest.approx(means["none"])
    ends = [end for _, end in sorted(found, key=lambda pair: pair[1][0])]
    np.testing.assert_allclose([y for _, y in ends], means[["human", "of_others", "mean"]])
    steps = np.diff([x, *(end[0] for end in ends)])
    np.testing.assert_allclose(steps, steps[0])
    drawn = {
        to_hex(t.arrow_patch.get_edgecolor()).upper()
        for axes in figure.axes for t in axes.texts if t.arrow_patch and not t.get_text()
    }  # fmt: skip
    assert drawn == {style.category(name).colour for name in ("harmonized", "of_others", "mean")}
    shown = texts(figure)
    assert "the mean map (control)" in shown and "maps of other photographs (control)" in shown


def test_they_are_in_no_frontier_and_without_a_start_they_are_not_drawn():
    table = by_condition()
    fetched = table[table.condition == ""]
    assert accuracy.at_starts(fetched)["borrowed"].sum() == 0
    placed = accuracy.at_starts(table)
    trained = placed[placed.condition != ""]
    assert (trained.top1 == 80).all() and trained.borrowed.all()
    alone = table[(table.condition != "") | (table.model != "resnet50")]
    assert accuracy.at_starts(alone).top1[alone.condition != ""].isna().all()
    twice = pd.concat([table, fetched[fetched.model == "resnet50"].assign(top1=75.0)])
    assert (
        accuracy.at_starts(twice).top1[twice.condition != ""].isna().all()
    )  # which one is not known
    assert any("8 models without a value" in text for text in texts(tradeoff.draw(alone)))


def test_points_at_a_borrowed_accuracy_are_marked_and_do_not_cover_each_other():
    """In the figure itself, not in its caption alone; a step is wider than a marker."""
    table = by_condition()
    figure = tradeoff.draw(table)
    assert "accuracy not measured: beside their start" in texts(figure)
    ground = to_hex(accuracy.BORROWED["color"])
    axes = next(one for one in figure.axes if "top-1" in one.get_xlabel())
    (patch,) = [one for one in axes.patches if to_hex(one.get_facecolor()) == ground]
    places = sorted(
        x for name in ("harmonized", "of_others", "mean") for x, _ in marks(figure, name)
    )
    assert patch.get_x() < places[0] and places[-1] < patch.get_x() + patch.get_width()
    pixels = axes.transData.transform([(x, 0) for x in places])[:, 0]
    widest = max(style.category(name).size for name in ("cnn", "of_others", "mean"))
    assert (np.diff(pixels) > accuracy.LARGE * widest * figure.dpi / 72).all()
    assert "accuracy not measured" not in " ".join(
        texts(tradeoff.draw(table[table.condition == ""]))
    )


def test_a_fan_of_arrows_is_not_cut_off(tmp_path):
    assert not artists.is_cut_off(artists.written(tradeoff.draw(by_condition()), tmp_path, "a")[1])


def test_weights_with_other_names_are_networks_of_their_own():
    bases = [
        ("net", name, "cnn", "net", 70.0 + k, 0.4)
        for k, name in enumerate(("a/seed-0", "a/seed-1", "strength-x/seed-0", "strength-x/seed-1"))
    ]
    figure = tradeoff.draw(summary([], bases))
    assert len(marks(figure, "cnn")) == 4
    assert len(marks(figure, twins.SEED_LABEL)) == 0
    assert twins.SEED_LABEL not in texts(figure)


def test_names_are_kept_as_long_as_networks_not_seeds_are_few():
    trained = [("resnet50", s, seed, 79.0 - s, 0.5) for s in (1, 2) for seed in range(8)]
    shown = texts(tradeoff.draw(summary(trained)))  # 4 + 16 rows, but 6 networks
    assert {"resnet50 strength 1", "resnet50 strength 2"} < set(shown)


def test_bytes_are_the_same_and_nothing_is_cut_off(tmp_path):
    chosen = made_tables.paper_models(np.random.default_rng(3))
    bases = [one for one in chosen if one[2] != "harmonized"]
    trained = [
        (name, strength, seed, top1 - 0.1 * seed, level + strength / 100)
        for name, _, _, _, top1, level in bases[:6]
        for strength in (1, 10)
        for seed in range(3)
    ]
    figure, again = (tradeoff.draw(summary(trained, bases)) for _ in range(2))
    assert len(marks(figure, "harmonized")) == len(arrows(figure)) == 12
    pdf, png = artists.written(figure, tmp_path, "a")
    assert pdf == artists.as_pdf(again) and not artists.is_cut_off(png)
