"""The figure of RSA shows what its tables hold, and is the same every time."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import plot_rsa
from itcortex import store
from itcortex.errors import UserError
from itcortex.figures import captions, models, rsa, style
from made import artists
from made.artists import line_of, texts, written
from made.tables import DEMO, paper_models

pytestmark = pytest.mark.long

PLACES = {"monkey": "macaque", "human": "human"}


def layers(models=DEMO, pattern="map", simulated=False) -> pd.DataFrame:
    """The rsa table: two sets of RDMs, six layers a model, the fifth chosen in most halves."""
    rng, rows = np.random.default_rng(4), []
    depths, chosen = np.linspace(0.1, 0.95, 6), np.array([0, 0, 0, 0.25, 0.75, 0])
    for rdm, species in PLACES.items():
        for model, weights, category, family, top1, level in models:
            rho = level * (1 - (depths - 0.8) ** 2) + rng.normal(0, 0.01, 6)
            best = rho.max() - 0.01
            for k in range(6):
                rows.append(
                    {"rdm": rdm, "model": model, "weights": weights, "pattern": pattern,
                     "layer": f"blocks.{k}", "depth": depths[k], "rho": rho[k], "chosen": chosen[k],
                     "final": k == 5, "rho_chosen_held_out": best,
                     "rho_chosen_held_out_low": best - 0.08, "rho_chosen_held_out_high": best + 0.07,
                     "n_images": 92, "n_subjects": 4 if rdm == "human" else 1, "category": category,
                     "family": family, "top1": top1, "species": species, "area": "IT",
                     "simulated": simulated, "condition": "", "series": "", "baseline": "",
                     "strength": np.nan, "seed": np.nan}
                )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def ceilings() -> pd.DataFrame:
    """A ceiling for humans, and each species for the other."""
    rows = [
        ("monkey", "other_rdm", "human", 0.44),
        ("human", "ceiling_lower", "", 0.37),
        ("human", "ceiling_upper", "", 0.67),
        ("human", "session_reliability", "", 0.22),
        ("human", "other_rdm", "monkey", 0.3),
    ]
    return pd.DataFrame(rows, columns=["rdm", "quantity", "other", "rho"]).assign(n_subjects=4)


def test_every_layer_is_at_its_depth(ceilings):
    table = layers()
    figure = rsa.draw(table, ceilings)
    assert len(figure.axes) == 6  # depth, strip and accuracy for each of two
    for axes, rdm in zip(figure.axes[::3], PLACES, strict=True):
        for model in ("tf_efficientnet_lite1", "resnet18"):
            rows = table[(table.rdm == rdm) & (table.model == model)]
            colour = models.looks(table).by_name["palette"][model]
            np.testing.assert_allclose(line_of(axes, colour), rows[["depth", "rho"]])
    dots = figure.axes[0].collections[-1]
    assert len(dots.get_offsets()) == 2 * len(DEMO)  # the layers that some half chose
    sizes = np.unique(dots.get_sizes())
    np.testing.assert_allclose(sizes, [8 + 70 * 0.25, 8 + 70 * 0.75])


def test_accuracy_shows_held_out_score_interval_and_last_layer(ceilings):
    table = layers()
    figure = rsa.draw(table, ceilings)
    strip, right = figure.axes[1:3]
    row = table[(table.model == "tf_efficientnet_lite2") & (table.rdm == "monkey") & table.final]
    bars, hollow, filled = right.collections
    at = [77.6, row.rho_chosen_held_out.iloc[0]]
    assert at in filled.get_offsets().data.tolist()
    assert [77.6, row.rho.iloc[0]] in hollow.get_offsets().data.tolist()
    assert {to_hex(colour) for colour in hollow.get_facecolors()} == {"#ffffff"}
    ends = row[["rho_chosen_held_out_low", "rho_chosen_held_out_high"]].to_numpy()[0]
    segments = bars.get_segments()
    assert any(np.allclose(bar, [[77.6, ends[0]], [77.6, ends[1]]]) for bar in segments)
    # untrained networks stand apart, at chance
    assert [len(axes.collections[-1].get_offsets()) for axes in (strip, right)] == [2, 3]
    assert [label.get_text() for label in strip.get_xticklabels()] == ["0.1"]


def test_ceiling_context_and_titles(ceilings):
    found = texts(rsa.draw(layers(), ceilings))
    assert "Macaque IT" in found and "Human IT" in found
    assert "92 images\none RDM: no noise ceiling of its own" in found
    assert "92 images, 4 subjects\nnoise ceiling 0.37 to 0.67" in found
    assert "human IT RDM" in found and "macaque IT RDM" in found
    assert sum("scored on the rest; all its units" in text for text in found) == 2
    pooled = texts(rsa.draw(layers(pattern="pooled", simulated=True), ceilings))
    assert sum("mean over positions" in text for text in pooled) == 2
    assert "Macaque IT (SIMULATED)" in pooled


def test_band_and_line_are_at_their_values(ceilings):
    figure = rsa.draw(layers(), ceilings)
    monkey, human = figure.axes[0], figure.axes[3]
    assert not monkey.patches
    (band,) = human.patches
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.37, 0.67))
    for axes, value in ((monkey, 0.44), (human, 0.3)):
        level = [line for line in axes.lines if set(line.get_ydata()) == {value}]
        assert len(level) == 1
    assert monkey.get_ylim() == human.get_ylim()
    assert human.get_ylim()[1] > 0.67  # room for the ceiling


def test_without_untrained_ceilings_or_accuracy(ceilings):
    table = layers(DEMO[:3])
    table.loc[table.model == "tf_efficientnet_lite1", "top1"] = np.nan
    figure = rsa.draw(table, ceilings.iloc[:0])
    assert len(figure.axes) == 4
    assert "ImageNet top-1 (%)\n1 model without a value" in texts(figure)
    assert "noise ceiling" not in texts(figure) and "another brain's RDM" not in texts(figure)
    with pytest.raises(UserError, match="no rows"):
        rsa.draw(table.iloc[:0], ceilings)


def test_many_models_are_drawn_by_category(ceilings):
    figure = rsa.draw(layers(paper_models(np.random.default_rng(3))), ceilings)
    found = texts(figure)
    assert "transformer" in found and "vit_3" not in found
    bold = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    assert len(bold) == 7
    names = [name for name, *_ in artists.points([figure.axes[2]])]
    assert len(names) == 135 + 6 and names.count("harmonized") == 6


CONDITIONS = {"none": 0.3, "human": 0.5, "of_others": 0.2, "mean": 0.1}


def by_condition() -> pd.DataFrame:
    """A start, and three networks a condition fine-tuned from it, whose accuracy is not known."""
    rows = [
        ("net", f"{condition}/seed-{seed}", "cnn" if condition == "none" else "harmonized", "net",
         np.nan, level)
        for condition, level in CONDITIONS.items() for seed in range(3)
    ]  # fmt: skip
    table = layers([("net", "imagenet", "cnn", "net", 75.0, 0.3), *rows])
    condition = table.weights.str.partition("/")[0].where(table.weights != "imagenet", "")
    seed = pd.to_numeric(table.weights.str[-1], errors="coerce")
    strength = condition.map({"none": 0.0, "human": 10.0, "of_others": 10.0, "mean": 10.0})
    return table.assign(condition=condition, series=condition, seed=seed, strength=strength)


def test_controls_never_pass_as_harmonized_and_stand_beside_their_start(ceilings):
    """The median of human maps and controls was one orange line, and no point was drawn."""
    table = by_condition()
    figure = rsa.draw(table, ceilings)
    shown = texts(figure)
    assert not any("without a value" in text for text in shown)
    assert "the mean map (control)" in shown and "maps of other photographs (control)" in shown
    assert "accuracy not measured: beside their start" in shown
    monkey = table[(table.rdm == "monkey") & table.final]
    means = monkey.groupby("condition")[rsa.SCORE].mean()
    marks = {name: y for name, x, y in artists.points([figure.axes[1]]) if x > 75}
    for category, condition in (
        ("harmonized", "human"),
        ("of_others", "of_others"),
        ("mean", "mean"),
    ):
        assert marks[category] == pytest.approx(means[condition])
        colour = style.category(category).colour
        bold = [one for one in figure.axes[0].lines
                if to_hex(one.get_color()).upper() == colour and one.get_linewidth() == 1.8]  # fmt: skip
        rows = table[(table.rdm == "monkey") & (table.condition == condition)]
        first = rows[rows.layer == "blocks.0"].rho.median()  # no layer lies below it
        assert bold[0].get_ydata()[0] == pytest.approx(first)


@pytest.mark.parametrize(
    ("chosen", "pattern"),
    [(DEMO, "map"), (DEMO, "pooled"), (paper_models(np.random.default_rng(3)), "map")],
)
def test_bytes_and_borders(chosen, pattern, ceilings, tmp_path):
    table = layers(chosen, pattern)
    figure = rsa.draw(table, ceilings)
    first = written(figure, tmp_path, "a")
    assert first[0] == artists.as_pdf(rsa.draw(table, ceilings))
    assert artists.smallest_text(figure) >= 8 and not artists.is_cut_off(first[1])


def test_script_draws_one_pattern(ceilings, tmp_path):
    both = pd.concat([layers(), layers(pattern="pooled").assign(rho=-0.5)])
    store.write_table(tmp_path / "rsa.parquet", both)
    store.write_table(tmp_path / "c.parquet", ceilings)
    out, expected = (
        [tmp_path / f"{name}.{kind}" for kind in ("pdf", "png", "rst")]
        for name in ("f", "expected")
    )
    tables = tmp_path / "rsa.parquet", tmp_path / "c.parquet"
    plot_rsa.main(*tables, *out, "map", "A title", "A caption.")
    said = captions.of_rsa(layers())
    style.save(rsa.draw(layers(), ceilings), *expected, "A title", "A caption.", said)
    assert [path.read_bytes() for path in out] == [path.read_bytes() for path in expected]
