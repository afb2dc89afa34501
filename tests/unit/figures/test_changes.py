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
def tables():
    """Conditions of three models over a session of V4, and their seeds."""
    return made.tables(EFFECTS, np.random.default_rng(2), targets=("v4_a",))


@pytest.fixture(scope="module")
def table(tables):
    """Conditions alone."""
    return tables.conditions


def arrows(axes, width):
    """Ends of the arrows of a line's width, by condition; all start at the origin."""
    found = {}
    for one in axes.texts:
        if one.arrow_patch and one.arrow_patch.get_linewidth() == width:
            assert one.get_position() == (0, 0)
            colour = to_hex(one.arrow_patch.get_edgecolor()).upper()
            found.setdefault(COLOURS[colour], []).append(tuple(one.xy))
    return found


def markers(axes):
    """Places of the seeds (seed, 2)."""
    seeds = [line for line in axes.lines if line.get_markersize() == changes.SEED["markersize"]]
    return np.array([line.get_xydata()[0] for line in seeds])


def test_arrows_run_from_strength_0_to_the_means_of_their_conditions(tables, table):
    figure = changes.draw(*tables, "r", "pls")
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


def test_every_main_strength_has_its_own_arrows_and_seeds(tables):
    """The change of people at one strength is no change at another one."""
    stronger = [one.assign(strength=10.0, difference=one["difference"] + 0.2) for one in tables]
    both = [pd.concat(pair) for pair in zip(tables, stronger, strict=True)]
    axes = changes.draw(*both, "r", "pls").axes[0]
    ends = arrows(axes, changes.ARROW["lw"])
    assert {name: len(some) for name, some in ends.items()} == dict.fromkeys(EFFECTS, 2)
    (x, y), (other_x, other_y) = sorted(ends["human"])
    assert (other_x - x, other_y - y) == pytest.approx((0.2, 0.2))
    assert len(markers(axes)) == 2 * 3 * 3 * 3  # strengths, models, conditions, seeds
    said = condition_captions.of_changes(both[0], "r", "pls")
    assert said.count("predictivity of v4_a") == 2 * 3 and "human maps, strength 10" in said


def test_markers_are_seeds_and_their_means_the_thin_arrows(tables):
    """Predictivity of a seed is what its mean is of: a difference within sites."""
    axes = changes.draw(*tables, "r", "pls").axes[0]
    seeds = tables.seeds[tables.seeds["compared_with"] == NONE]
    people = seeds[(seeds["measure"] == "attention") & (seeds["saliency"] == "raw")]
    x = people[people["map_kind"] == "mouse"]["difference"]
    y = seeds[seeds["measure"] == "r"]["difference"]
    found = markers(axes)
    assert len(found) == 3 * 3 * 3  # models, conditions, seeds
    np.testing.assert_allclose(sorted(found[:, 0]), sorted(x))
    np.testing.assert_allclose(sorted(found[:, 1]), sorted(y))
    ends = np.concatenate([*arrows(axes, 0.6).values()])
    means = found.reshape(-1, 3, 2).mean(1)
    order, other = means[:, 1].argsort(), ends[:, 1].argsort()
    np.testing.assert_allclose(means[order], ends[other], atol=1e-12)


def test_an_area_has_the_changes_of_all_its_sessions(tables):
    more = tables.seeds.assign(target="V4", difference=tables.seeds["difference"] * 2)
    seeds = pd.concat([tables.seeds, more[more["measure"] == "r"]])
    area = tables.conditions.assign(target="V4", n_targets=5)
    both = pd.concat([tables.conditions, area[area["measure"] == "r"]])
    figure = changes.draw(both, seeds, "r", "pls")
    alone = changes.draw(*tables, "r", "pls")
    one, other = markers(figure.axes[0]), markers(alone.axes[0])
    np.testing.assert_allclose(one, other * [1, 2])


def test_changes_of_thousandths_fill_their_panel(tables):
    """Over accuracies, from zero up, they were hidden by their own markers."""
    small, seeds = (
        one.assign(**{n: one[n] / 100 for n in ("difference", "low", "high") if n in one})
        for one in tables
    )
    axes = changes.draw(small, seeds, "r", "pls").axes[0]
    low, high = axes.get_ylim()
    rows = small[
        (small["measure"] == "r") & (small["model"] == "") & (small["compared_with"] == NONE)
    ]
    assert 0.5 < (rows["high"].max() - min(rows["low"].min(), 0)) / (high - low) < 1
    wide = small.copy()  # what is not drawn takes no room
    wide.loc[wide["model"] != "", "high"] += 1
    assert changes.draw(wide, seeds, "r", "pls").axes[0].get_ylim() == (low, high)


def test_bytes_caption_and_what_cannot_be_drawn(tables, table, tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in ("conditions", "seeds")]
    for path, one in zip(paths, tables, strict=True):
        store.write_table(path, one)
    files = [tmp_path / f"f.{kind}" for kind in ("pdf", "png", "rst")]
    plot_changes.main(*paths, *files, "pls", "A title", "A caption.")
    assert not artists.is_cut_off(files[1].read_bytes())
    said = condition_captions.of_changes(table, "r", "pls")
    assert said.count("predictivity of v4_a") == 3 and "(maps of other photographs)" in said
    assert said.count("agreement (mouse)") == 3
    without = table[table["measure"] != "attention"]
    with pytest.raises(UserError, match="no network has a change of both"):
        changes.draw(without, tables.seeds, "r", "pls")


def test_collapsed_trainings_are_crossed_and_told_in_the_caption(tables):
    gone = tables.conditions.copy()
    gone.loc[gone["condition"] == "human", "n_collapsed"] = 9
    mark = changes.COLLAPSED["marker"]
    for table, condition in ((gone, "human"), (tables.conditions, None)):
        figure = changes.draw(table, tables.seeds, "r", "pls")
        axes = figure.axes[0]
        ends = [
            *arrows(axes, 0.6).get(condition, []),
            *arrows(axes, changes.ARROW["lw"]).get(condition, []),
        ]
        found = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == mark]
        assert len(found) == 4 * bool(condition) and sorted(found) == sorted(ends)
        said = condition_captions.of_changes(table, "r", "pls")
        told = "Collapsed trainings (strength 1): 9 of 9 trainings with human maps collapsed"
        assert (told in said) == bool(condition)
        assert ("with collapsed trainings" in artists.texts(figure)) == bool(condition)


def test_an_interval_of_one_seed_says_so_in_the_caption():
    table = made.table(EFFECTS, np.random.default_rng(2), names=("a",), seeds=(0,))
    said = condition_captions.of_changes(table, "r", "pls")
    assert said.count("] (one seed)") == said.count("]") > 3
