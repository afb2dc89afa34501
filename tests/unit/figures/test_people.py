"""Predictivity against agreement with people holds what both tables hold."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import plot_people
from itcortex import store
from itcortex.figures import people, twins
from made import artists
from made import conditions as made_conditions
from made import tables as made_tables
from made.artists import points, texts, titles, written

pytestmark = pytest.mark.long


def agreement(summary) -> pd.DataFrame:
    """An attention table of all networks of a summary, on two kinds of maps, and the control."""
    models = summary.drop_duplicates(["model", "weights"]).reset_index(drop=True)
    shifts = {("eye", "raw"): 0.2, ("eye", "blurred"): 5.2}
    shifts |= {("mouse", "raw"): 0.3, ("mouse", "blurred"): 5.3}
    rows = []
    for (kind, saliency), level in shifts.items():
        for one in models.itertuples():
            rho = level + 0.001 * one.Index
            row = {"attention": "osie", "map_kind": kind, "saliency": saliency, "control": "none"}
            row |= {"model": one.model, "weights": one.weights}
            rows.append(row | {"rho": rho, "rho_low": rho - 0.02, "rho_high": rho + 0.03})
    centre = rows[0] | {"model": "", "weights": "", "control": "centre_bias", "saliency": ""}
    return pd.DataFrame([*rows, centre])


def draw(summary, table=None, score="r"):
    table = agreement(summary) if table is None else table
    return people.draw(table, summary, score, "raw", 50, np.random.default_rng(0))


def test_every_network_is_at_its_two_numbers(demo):
    figure = draw(demo)
    assert len(figure.axes) == 3 * 2  # recordings and kinds of maps
    kinds = [kind for kind in texts(figure) if kind.startswith("OSIE: ")]
    assert sum(kind.startswith("OSIE: eye fixations") for kind in kinds) == 3
    main = demo[demo.main_window & (demo.control == "none")]
    for axes, recording in zip(figure.axes[1::2], ("m1_pl", "m1_ml", "m2_ml"), strict=True):
        rows = main[main.recording == recording]
        expected = [
            (c, 0.3 + 0.001 * k, r)
            for k, (c, r) in enumerate(zip(rows.category, rows.r, strict=True))
        ]
        drawn = points([axes])
        assert [one[0] for one in sorted(drawn)] == [one[0] for one in sorted(expected)]
        np.testing.assert_allclose(
            [at for _, *at in sorted(drawn)], [at for _, *at in sorted(expected)]
        )
        across, up = (one.get_segments() for one in axes.collections[:2])
        np.testing.assert_allclose([bar[1, 0] - bar[0, 0] for bar in across], 0.05)
        assert len(up) == len(rows)


def test_networks_without_one_of_both_are_left_out(demo):
    table = agreement(demo)
    table.loc[table.model == "resnet18", "rho"] = np.nan
    figure = draw(demo.assign(r=demo.r.mask(demo.model == "tf_efficientnet_lite0")), table)
    assert artists.counts(figure) == {"cnn": 2 * 6, "untrained": 6}
    nothing = draw(demo, agreement(demo).assign(rho=np.nan))
    assert texts(nothing).count("no network has both") == 6


def test_many_networks_have_no_names_and_a_correlation(paper, demo, tmp_path):
    figure = draw(paper, score="r_over_ceiling")
    assert sum("n = 135" in text for text in texts(figure)) == 2
    assert not any(text.startswith("cnn_") for text in texts(figure))
    assert titles(figure) == ["PL, Monkey 1"] * 2
    for name, drawn in (("few", draw(demo)), ("many", figure)):
        assert artists.smallest_text(drawn) >= 8
        assert not artists.is_cut_off(written(drawn, tmp_path, name)[1])


def by_condition(levels):
    """A summary and its agreement with people of a start and what was fine-tuned from it."""
    told = made_conditions.models(seeds=(0, 1))
    rows = [("net", weights, "harmonized", "net", np.nan, 0.5) for weights in told["weights"]]
    table = made_tables.summary(
        rows, {"m1_pl": ("Monkey 1", "PL")}, simulated=False, starts=np.array([90.0])
    )
    facts = told.set_index("weights")
    for column in ("condition", "baseline", "series", "strength", "seed", "top1"):
        table[column] = table["weights"].map(facts[column])
    plain = table["condition"].isin(["", "none"])
    table = table.assign(category=np.where(plain, "cnn", "harmonized"))
    change = table["condition"].map(levels).fillna(0.0) + table["seed"].fillna(0) / 10_000
    table = table.assign(r=0.5 + change, r_low=0.4, r_high=0.6)
    people_of = agreement(table)
    shift = dict(zip(table["weights"], 10 * change, strict=True))
    rho = 0.2 + people_of["weights"].map(shift).fillna(0.0)
    return table, people_of.assign(rho=rho, rho_low=rho - 0.1, rho_high=rho + 0.1)


def test_arrows_run_from_strength_0_and_fill_panels_with_limits_of_their_points():
    """Panels began at r = 0, and all networks lay on one another."""
    levels = {"human": 0.002, "of_others": 0.001, "mean": -0.001}
    table, rho = by_condition(levels)
    axes = draw(table, rho).axes[0]
    arrows = [t for t in axes.texts if t.arrow_patch and not t.get_text()]
    start = 0.5 + 0.00005  # mean over seeds
    np.testing.assert_allclose([t.get_position() for t in arrows], [(0.2005, start)] * 3)
    ends = sorted(tuple(t.xy) for t in arrows)
    expected = sorted((0.2005 + 10 * level, start + level) for level in levels.values())
    np.testing.assert_allclose(ends, expected)
    low, high = axes.get_ylim()
    assert 0.498 < low < 0.499 and 0.502 < high < 0.503
    assert axes.get_xlim()[0] > 0.15
    seeds = [line for line in axes.lines if line.get_label() == twins.SEED_LABEL]
    assert sum(len(line.get_xdata()) for line in seeds) == 8
    names = [t.get_text() for t in axes.texts if t.get_text().startswith("net")]
    assert names == ["net"]  # conditions are told by the legend


def test_script_draws_one_mapping_and_writes_the_caption(demo, tmp_path):
    two = pd.concat([demo, demo.assign(mapping="ridge", r=9.0)])
    store.write_table(tmp_path / "a.parquet", agreement(demo))
    store.write_table(tmp_path / "s.parquet", two)
    first = []
    for name in "fg":
        files = [tmp_path / f"{name}.{kind}" for kind in ("pdf", "png", "rst")]
        tables = tmp_path / "a.parquet", tmp_path / "s.parquet"
        plot_people.main(*tables, *files, "r", "raw", "pls", 50, 0, "A title", "A caption.")
        first.append([path.read_bytes() for path in files])
    assert first[0] == first[1]
    said = Image.open(files[1]).text["Description"]
    assert "Here: no ρ: 3 models, 5 are needed (m1_pl, osie, eye)" in said


@pytest.mark.parametrize("few", [1, 2])
def test_one_or_two_networks_are_drawn(few, demo, tmp_path):
    some = demo[demo.model.isin(demo.model.unique()[:few])]
    figure = draw(some)
    assert artists.counts(figure) == {"cnn": 6 * few}
    assert not artists.is_cut_off(written(figure, tmp_path, "f")[1])
