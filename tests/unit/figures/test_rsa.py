"""The figure of RSA shows what its tables hold, and is the same every time."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

import plot_rsa
from itcortex import store
from itcortex.errors import UserError
from itcortex.figures import rsa, style
from made.tables import DEMO, paper_models

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
                     "simulated": simulated}
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


def texts(figure) -> list[str]:
    """Every text that is drawn."""
    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


def written(figure, folder, name):
    """Bytes of a figure's PDF and PNG."""
    paths = [folder / f"{name}.pdf", folder / f"{name}.png"]
    style.save(figure, *paths)
    return [path.read_bytes() for path in paths]


def lines_of(axes, name) -> list:
    """Lines of one model."""
    return [line for line in axes.lines if line.get_label() == name]


def test_every_layer_is_at_its_depth(ceilings):
    table = layers()
    figure = rsa.draw(table, ceilings)
    assert len(figure.axes) == 6  # depth, strip and accuracy for each of two
    for axes, rdm in zip(figure.axes[::3], PLACES, strict=True):
        for model in ("tf_efficientnet_lite1", "resnet18"):
            rows = table[(table.rdm == rdm) & (table.model == model)]
            (line,) = lines_of(axes, model)
            np.testing.assert_array_equal(line.get_xdata(), rows.depth)
            np.testing.assert_array_equal(line.get_ydata(), rows.rho)
    dots = figure.axes[0].collections
    assert len(dots) == len(DEMO)  # one set of dots a model
    assert all(len(one.get_offsets()) == 2 for one in dots)  # the layers that some half chose
    np.testing.assert_allclose(dots[0].get_sizes(), [8 + 70 * 0.25, 8 + 70 * 0.75])


def test_accuracy_shows_held_out_score_interval_and_last_layer(ceilings):
    table = layers()
    figure = rsa.draw(table, ceilings)
    strip, right = figure.axes[1:3]
    row = table[(table.model == "tf_efficientnet_lite2") & (table.rdm == "monkey") & table.final]
    (point,) = lines_of(right, "tf_efficientnet_lite2")
    assert point.get_xydata().tolist() == [[77.6, row.rho_chosen_held_out.iloc[0]]]
    hollow = [
        line.get_xydata().tolist()[0]
        for line in right.lines
        if line.get_markerfacecolor() == "white" and len(line.get_xdata()) == 1
    ]
    assert [77.6, row.rho.iloc[0]] in hollow
    bars = [one.get_segments()[0] for one in right.collections]
    ends = row[["rho_chosen_held_out_low", "rho_chosen_held_out_high"]].to_numpy()[0]
    assert any(np.allclose(bar, [[77.6, ends[0]], [77.6, ends[1]]]) for bar in bars)
    # untrained networks stand apart, at chance
    assert not lines_of(right, "resnet18") and len(lines_of(strip, "resnet18")) == 1
    assert [label.get_text() for label in strip.get_xticklabels()] == ["0.1"]


def test_ceiling_context_and_titles(ceilings):
    found = texts(rsa.draw(layers(), ceilings))
    assert "Macaque IT" in found and "Human IT" in found
    assert "92 images, one RDM: no noise ceiling of its own" in found
    assert "92 images, 4 subjects, noise ceiling 0.37 to 0.67" in found
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
    assert "ImageNet top-1 accuracy (%)\nnot shown: 1 model without a value" in texts(figure)
    assert "noise ceiling" not in texts(figure) and "another brain's RDM" not in texts(figure)
    with pytest.raises(UserError, match="no rows"):
        rsa.draw(table.iloc[:0], ceilings)


def test_many_models_are_drawn_by_category(ceilings):
    models = paper_models(np.random.default_rng(3))
    figure = rsa.draw(layers(models), ceilings)
    found = texts(figure)
    assert "transformer" in found and "vit_3" not in found
    bold = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    assert len(bold) == 7
    points = {line.get_label() for line in figure.axes[2].lines if line.get_label()[0] != "_"}
    assert len(points) == 135 + 6
    assert {"cnn_0 imagenet", "cnn_0 harmonized"} < points


@pytest.mark.parametrize(
    ("models", "pattern"),
    [(DEMO, "map"), (DEMO, "pooled"), (paper_models(np.random.default_rng(3)), "map")],
)
def test_bytes_and_borders(models, pattern, ceilings, tmp_path):
    table = layers(models, pattern)
    first = written(rsa.draw(table, ceilings), tmp_path, "a")
    assert first == written(rsa.draw(table, ceilings), tmp_path, "b")
    figure = rsa.draw(table, ceilings)
    assert min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text().strip()) >= 8
    ink = np.asarray(Image.open(io.BytesIO(first[1])).convert("L")) < 255
    # whatever is cut off leaves ink at the border
    assert ink.any()
    assert not (ink[:4].any() or ink[-4:].any() or ink[:, :4].any() or ink[:, -4:].any())


def test_script_draws_one_pattern(ceilings, tmp_path):
    both = pd.concat([layers(), layers(pattern="pooled").assign(rho=-0.5)])
    store.write_table(tmp_path / "rsa.parquet", both)
    store.write_table(tmp_path / "c.parquet", ceilings)
    out = [tmp_path / "f.pdf", tmp_path / "f.png"]
    plot_rsa.main(
        tmp_path / "rsa.parquet", tmp_path / "c.parquet", *out, "map", "A title", "A caption."
    )
    expected = [tmp_path / "expected.pdf", tmp_path / "expected.png"]
    style.save(rsa.draw(layers(), ceilings), *expected, "A title", "A caption.")
    assert [path.read_bytes() for path in out] == [path.read_bytes() for path in expected]
