"""Arrows from strength 0: where they start, where they end, and that controls have their own."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import plot_changes
from itcortex import store
from itcortex.errors import UserError
from itcortex.figures import changes, condition_captions, style
from itcortex.tables.condition_contrasts import NONE
from made import artists
from made import conditions as made

pytestmark = pytest.mark.long

EFFECTS = {"human": 0.1, "of_others": 0.04, "mean": -0.02}
COLOURS = {style.category(name).colour: condition for name, condition in
           (("harmonized", "human"), ("of_others", "of_others"), ("mean", "mean"))}  # fmt: skip


@pytest.fixture(scope="module")
def table():
    """Conditions of three models over two sessions of V4; without rows of areas."""
    return made.table(EFFECTS, np.random.default_rng(2), targets=("v4_a",))


@pytest.fixture(scope="module")
def networks():
    """Summary and attention of single networks, one recording: seed k adds k / 1000 to both."""
    told = made.models(("a", "b", "c"))
    known = told.assign(seed=told["seed"].fillna(0))
    effect = known["condition"].map(EFFECTS).fillna(0.0)
    level = 0.5 + effect + np.where(known["condition"].isin(EFFECTS), known["seed"] / 1000, 0)
    summary = told.assign(recording="v4_a", area="V4", r=level, main_window=True, control="none")
    parts = [
        told.assign(attention="osie", map_kind=kind, saliency=saliency, control="none", rho=level / 2)
        for kind in ("mouse", "eye") for saliency in ("raw", "blurred", "covering")
    ]  # fmt: skip
    return summary, pd.concat(parts, ignore_index=True)


def arrows(axes, width):
    """Ends of the arrows of a line's width, by condition; all start at the origin."""
    found = {}
    for one in axes.texts:
        if one.arrow_patch and one.arrow_patch.get_linewidth() == width:
            assert one.get_position() == (0, 0)
            colour = to_hex(one.arrow_patch.get_edgecolor()).upper()
            found.setdefault(COLOURS[colour], []).append(tuple(one.xy))
    return found


def test_arrows_run_from_strength_0_to_the_means_of_their_conditions(table, networks):
    figure = changes.draw(table, *networks, "r", "pls")
    assert len(figure.axes) == 4  # two kinds of human map, gradient and covering
    axes = figure.axes[0]
    rows = table[(table["compared_with"] == NONE)].set_index(["measure", "model", "condition"])
    rows = rows[rows["saliency"].isin(["", "raw"]) & rows["map_kind"].isin(["", "mouse"])]
    bold = arrows(axes, changes.ARROW["lw"])
    assert set(bold) == set(EFFECTS)
    for condition, ((x, y),) in bold.items():
        assert x == pytest.approx(rows.loc["attention", "", condition]["difference"])
        assert y == pytest.approx(rows.loc["r", "", condition]["difference"])
    assert {name: len(ends) for name, ends in arrows(axes, 0.6).items()} == dict.fromkeys(
        EFFECTS, 3
    )
    crosses = [tuple(one.get_segments()[0][:, 0]) for one in axes.collections]
    human = rows.loc["attention", "", "human"]
    assert any(np.allclose(ends, (human["low"], human["high"])) for ends in crosses)


def test_every_main_strength_has_its_own_arrows_and_seeds(table, networks):
    """The change of people at one strength is no change at another one."""
    stronger = table.assign(strength=10.0, difference=table["difference"] + 0.2)
    summary, attention = networks
    others = [
        one.assign(strength=one["strength"] * 10, weights=one["weights"].str.replace("-1/", "-10/"))
        for one in (summary[summary["strength"] > 0], attention[attention["strength"] > 0])
    ]
    both = [pd.concat(pair) for pair in zip(networks, others, strict=True)]
    axes = changes.draw(pd.concat([table, stronger]), *both, "r", "pls").axes[0]
    ends = arrows(axes, changes.ARROW["lw"])
    assert {name: len(some) for name, some in ends.items()} == dict.fromkeys(EFFECTS, 2)
    (x, y), (other_x, other_y) = sorted(ends["human"])
    assert (other_x - x, other_y - y) == pytest.approx((0.2, 0.2))
    seeds = [line for line in axes.lines if line.get_markersize() == changes.SEED["markersize"]]
    assert len(seeds) == 2 * 3 * 3 * 3  # strengths, models, conditions, seeds
    said = condition_captions.of_changes(pd.concat([table, stronger]), "r", "pls")
    assert said.count("predictivity of v4_a") == 2 * 3 and "human maps, strength 10" in said


def test_seeds_are_paired_with_strength_0_of_their_seed(networks):
    summary, attention = networks
    seeds = changes.of_seeds(summary, attention, "r")
    raw = seeds[(seeds["saliency"] == "raw") & (seeds["map_kind"] == "eye")]
    assert len(raw) == 3 * 3 * 3 and set(seeds["saliency"]) == {"raw", "covering"}
    expected = raw["condition"].map(EFFECTS) + raw["seed"] / 1000
    np.testing.assert_allclose(raw["y"], expected)
    np.testing.assert_allclose(raw["x"], expected / 2)
    other = pd.concat([summary, summary.assign(recording="v4_b", r=summary["r"] * 2)])
    both = changes.of_seeds(other, attention, "r")
    area = both[(both["recordings"] == "V4") & (both["saliency"] == "raw")]
    np.testing.assert_allclose(sorted(area["y"].unique()), sorted(expected.unique() * 1.5))


def test_changes_of_thousandths_fill_their_panel(table, networks):
    """Over accuracies, from zero up, they were hidden by their own markers."""
    small = table.assign(**{name: table[name] / 100 for name in ("difference", "low", "high")})
    told = [
        one.assign(**{name: one[name] / 100})
        for one, name in zip(networks, ("r", "rho"), strict=True)
    ]
    axes = changes.draw(small, *told, "r", "pls").axes[0]
    low, high = axes.get_ylim()
    rows = small[
        (small["measure"] == "r") & (small["model"] == "") & (small["compared_with"] == NONE)
    ]
    assert 0.5 < (rows["high"].max() - min(rows["low"].min(), 0)) / (high - low) < 1


def test_bytes_caption_and_what_cannot_be_drawn(table, networks, tmp_path):
    tables = dict(zip(("conditions", "summary", "attention"),
                      (table, networks[0].assign(mapping="pls"), networks[1]), strict=True))  # fmt: skip
    paths = [tmp_path / f"{name}.parquet" for name in tables]
    for path, one in zip(paths, tables.values(), strict=True):
        store.write_table(path, one)
    files = [tmp_path / f"f.{kind}" for kind in ("pdf", "png", "rst")]
    plot_changes.main(*paths, *files, "pls", "A title", "A caption.")
    assert not artists.is_cut_off(files[1].read_bytes())
    said = condition_captions.of_changes(table, "r", "pls")
    assert said.count("predictivity of v4_a") == 3 and "(maps of other photographs)" in said
    assert said.count("agreement (mouse)") == 3
    without = table[table["measure"] != "attention"]
    with pytest.raises(UserError, match="no network has a change of both"):
        changes.draw(without, *networks, "r", "pls")
