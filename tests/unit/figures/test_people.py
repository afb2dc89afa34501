"""Predictivity against agreement with people holds what both tables hold."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import plot_people
from itcortex import store
from itcortex.figures import people
from made import artists
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
