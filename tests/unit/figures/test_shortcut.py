"""The figure of the digits study shows what the table and the examples hold."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import plot_shortcut
from itcortex import store
from itcortex.errors import UserError
from itcortex.figures import shortcut


@pytest.fixture
def table():
    """Three strengths, two seeds, every value of its own."""
    rows = [
        {"recording": "sites", "model": "net", "weights": f"w/strength-{s:g}/seed-{seed}",
         "family": "digits", "series": "w", "strength": s, "seed": seed}
        for s in (0.0, 0.3, 1.0) for seed in (0, 1)
    ]  # fmt: skip
    made = pd.DataFrame(rows)
    names = [name for lines in shortcut.PANELS.values() for name, *_ in lines]
    for number, name in enumerate(names):
        made[name] = 0.1 * number + 0.01 * np.arange(len(made))
    return made


def arrays(rng):
    maps = {name: rng.random((4, 16, 16)) for name in ("human", "gradient", "occlusion")}
    return maps | {"images": rng.integers(0, 255, (4, 16, 16, 3), dtype=np.uint8)}


def test_points_are_the_networks_and_lines_go_through_their_means(table, rng):
    examples = [
        shortcut.Examples.of_arrays(arrays(rng), {"strength": strength}) for strength in (0.0, 1.0)
    ]
    figure = shortcut.draw(table, examples, 3)
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    for axes, (ordinate, lines) in zip(panels, shortcut.PANELS.items(), strict=True):
        assert axes.get_ylabel() == ordinate
        means = [line for line in axes.lines if len(line.get_ydata()) == 3]
        for (name, *_), points, mean in zip(lines, axes.collections, means, strict=True):
            places, heights = points.get_offsets().data.T
            np.testing.assert_allclose(heights, table[name])
            wanted = table[name].to_numpy().reshape(3, 2).mean(1)
            np.testing.assert_allclose(mean.get_ydata(), wanted)
            assert np.round(places).tolist() == [0, 0, 1, 1, 2, 2]
    images = [axes for axes in figure.axes if axes.images]
    assert len(images) == 3 * (2 + 2 * 2)
    np.testing.assert_array_equal(images[-6].images[0].get_array(), examples[0].images[2])
    texts = {text.get_text() for text in figure.texts}
    assert {"baseline", "harmonized, strength 1"} <= texts


@pytest.fixture
def study(table):
    """A base and three regimes that differ from it in two factors; and weights to start from."""
    changes = {"share_80": "share", "share_100": "share", "start_plain": "start"}
    parts = [table]
    for number, (model, family) in enumerate(changes.items(), start=1):
        part = table.assign(model=model, family=family)
        part[[*shortcut.MEASURES]] += 0.05 * number
        parts.append(part[part["strength"] != 0.3] if family == "start" else part)
    first = parts[-1][parts[-1]["strength"] == 0]
    parts.append(first.assign(series="plain"))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.long
def test_several_regimes_have_a_row_of_panels_a_factor_beside_the_base(study, table):
    figure = shortcut.draw(study, [], 3, "net")
    shape = (2, len(shortcut.MEASURES))
    panels = np.array(figure.axes).reshape(shape)
    names = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in panels[:, -1]]
    assert names == [["net", "share_80", "share_100"], ["net", "start_plain"]]
    assert [axes.texts[0].get_text() for axes in panels[:, 0]] == ["share", "start"]
    assert "SIMULATED" in figure.texts[0].get_text()
    for row, column in np.ndindex(shape):
        measure = [*shortcut.MEASURES][column]
        lines, seeds = panels[row, column].lines, panels[row, column].collections[0]
        base = table[measure].to_numpy().reshape(3, 2).mean(1)
        np.testing.assert_allclose(lines[0].get_ydata(), base)
        np.testing.assert_allclose(seeds.get_offsets().data[:, 1], table[measure])
        moved = 0.15 + base[[0, 2]] if row else 0.05 + base
        np.testing.assert_allclose(lines[1].get_ydata(), moved)
        places = [0, 2] if row else [0, 1, 2]  # a strength has one place in all panels
        assert lines[1].get_xdata().tolist() == places
        low, high = panels[row, column].get_ylim()
        assert low < min(line.get_ydata()[0] for line in lines) and high > moved.max()


def test_a_regime_without_a_curve_is_drawn_where_there_is_no_other(study):
    alone = study[study["series"] == "plain"]
    assert [*shortcut.regimes_of(alone)] == ["start_plain"]
    assert [*shortcut.regimes_of(study)] == ["net", "share_80", "share_100", "start_plain"]
    both = pd.concat([study, study.assign(series="v")])
    assert "net w" in shortcut.regimes_of(both) and "net v" in shortcut.regimes_of(both)
    with pytest.raises(UserError, match="no model nets to set"):
        shortcut.draw(study, [], 3, "nets")


@pytest.mark.long
def test_a_map_without_ranks_says_so(table, rng):
    values = arrays(rng) | {"gradient": np.zeros((4, 16, 16))}
    example = shortcut.Examples.of_arrays(values, {"strength": 0.0})
    figure = shortcut.draw(table, [example], 1)
    assert "undefined" in [text.get_text() for axes in figure.axes for text in axes.texts]


def test_an_empty_table_is_an_error(table):
    with pytest.raises(UserError, match="no rows"):
        shortcut.draw(table[:0], [], 3)


@pytest.mark.long
def test_the_rule_draws_the_table_and_the_examples(table, rng, tmp_path):
    store.write_table(tmp_path / "t.parquet", table)
    store.write_arrays(tmp_path / "a.h5", arrays(rng), {"strength": 0.3})
    outputs = [tmp_path / f"f.{kind}" for kind in ("pdf", "png", "rst")]
    plot_shortcut.main(
        tmp_path / "t.parquet", [tmp_path / "a.h5"], *outputs, 2, "net", "A title", "A caption."
    )
    assert Image.open(outputs[1]).size[0] > 1400 and outputs[0].stat().st_size > 1e4
