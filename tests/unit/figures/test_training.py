"""The learning curves show what the history holds."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import plot_training
from itcortex.errors import UserError
from itcortex.figures import captions, training
from made import artists

pytestmark = pytest.mark.long


@pytest.fixture
def history():
    """Two strengths, two seeds, three epochs, every value of its own."""
    rows = [
        {"strength": s, "seed": seed, "epoch": epoch} for s in (0.0, 5.0) for seed in (0, 1)
        for epoch in (1, 2, 3)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    columns = {name for solid, dashed, _ in training.PANELS.values() for name in (solid, dashed)}
    for number, name in enumerate(sorted(columns - {None})):
        table[name] = 0.1 + 0.01 * np.arange(len(table)) + 0.001 * number
    return table


def curves(axes, style="-"):
    """Values of the lines of one style."""
    return [line.get_ydata().tolist() for line in axes.lines if line.get_linestyle() == style]


def test_every_training_is_a_line_in_every_panel(history):
    figure = training.draw(history, "net")
    for axes, (name, (solid, dashed, percent)) in zip(
        figure.axes, training.PANELS.items(), strict=True
    ):
        assert axes.get_title(loc="left").replace("\n", " ") == name
        scale = 100 if percent else 1
        wanted = (scale * history[solid]).to_numpy(copy=True).reshape(4, 3)
        if solid == "harmonization":
            wanted = wanted[2:]  # the baseline makes no saliency: no loss, not one of 0
        np.testing.assert_allclose(curves(axes), wanted)
        assert len(curves(axes, "--")) == (4 if dashed else 0)


def test_ticks_of_logarithmic_axes_are_plain_text(history, tmp_path):
    figure = training.draw(history, "net")
    assert not artists.is_cut_off(artists.written(figure, tmp_path, "a")[1])
    axes = [axes for axes in figure.axes if axes.get_yscale() == "log"]
    ticks = [text.get_text() for a in axes for text in a.get_yticklabels(which="both")]
    assert len(axes) == 2 and any(ticks)
    assert not any("$" in tick for tick in ticks)


def test_a_measure_that_was_not_made_says_so(history):
    figure = training.draw(history.drop(columns="validation_alignment"), "net")
    assert "not measured" in [text.get_text() for text in figure.axes[2].texts]


def test_the_baseline_and_every_strength_have_colours_of_their_own():
    colours = training.colours_of([0.0, 1.0, 5.0, 20.0])
    assert colours[0.0] == training.BASELINE and len(set(colours.values())) == 4


def test_conditions_are_told_apart_and_dots_mark_the_kept_epoch(history):
    human = history.assign(condition=np.where(history["strength"] > 0, "human", "none"))
    control = human[human["strength"] > 0].assign(condition="mean", cross_entropy=0.9)
    both = pd.concat([human, control], ignore_index=True).assign(
        kept=lambda rows: rows["epoch"] == 2
    )
    figure = training.draw(both, "net")
    shown = artists.texts(figure)
    assert {"baseline (strength 0)", "human maps, strength 5", "the mean map, strength 5"} < set(
        shown
    )
    assert len(curves(figure.axes[0])) == 6  # two seeds of each
    (dots,) = figure.axes[0].collections
    assert len(dots.get_offsets()) == 6 and set(dots.get_offsets()[:, 0]) == {2}
    alone = artists.texts(training.draw(human, "net"))
    assert "strength 5" in alone and not [text for text in alone if "human maps, " in text]


def test_a_network_that_learns_from_its_own_answers_has_no_accuracy_but_agreement(history):
    own = history.rename(
        columns={"validation_accuracy": "validation_agreement", "accuracy": "agreement"}
    ).assign(validation_divergence=0.2, condition="none")
    figure = training.draw(own, "net")
    assert artists.titles(figure) == [*training.OF_OWN_LABELS]
    assert "not measured" not in artists.texts(figure)
    assert "same first class afterwards" in captions.of_training(own)


def own_answers(history):
    """The history of networks that learn from their own answers."""
    names = {"validation_accuracy": "validation_agreement", "accuracy": "agreement"}
    return history.rename(columns=names).assign(validation_divergence=0.2, condition="none")


def test_curves_begin_at_the_network_before_the_first_step_and_show_the_floor(history):
    first = (
        own_answers(history)
        .query("strength == 5 and seed == 0")
        .assign(kept=lambda rows: rows["epoch"] == 3)
    )
    before = {"validation_agreement": 1.0, "validation_alignment": 0.02, "n_validation": 30}
    begun = training.with_start(first, before)
    assert begun["epoch"].tolist() == [0, 1, 2, 3] and set(begun["seed"]) == {0}
    figure = training.draw(begun, "net", floor=0.8)
    panels = dict(zip(training.OF_OWN_LABELS, figure.axes, strict=True))
    agreement = panels["same first class as before (%)"]
    lines = curves(agreement)
    assert lines[0][0] == 100 and len(lines[0]) == 4
    assert [80, 80] in [np.ravel(line.get_ydata()).tolist() for line in agreement.lines]
    assert agreement.get_xlim()[0] < 0
    assert curves(panels["agreement with human maps (ρ)"])[0][0] == 0.02
    assert len(curves(panels["harmonization loss"])[0]) == 3  # nothing was measured before
    assert "least agreement of a chosen epoch" in artists.texts(figure)
    assert training.with_start(first, {}) is first
    plain = artists.texts(training.draw(history, "net", floor=0.8))  # accuracies have no such floor
    assert "least agreement of a chosen epoch" not in plain


@pytest.mark.parametrize(("low", "high"), [(0.0398, 0.0455), (0.0007, 0.9)])
def test_ticks_of_the_saliencys_deviation_are_numbers_that_differ(history, low, high):
    """They read 5e-02, 4e-02, 4e-02, 4e-02."""
    table = history.assign(saliency_std=np.linspace(low, high, len(history)))
    figure = training.draw(table, "net")
    axes = figure.axes[list(training.PANELS).index("std of the saliency")]
    bottom, top = axes.get_ylim()
    ticks = [text for which in ("major", "minor")
             for text in axes.yaxis.get_ticklabels(which=which) if text.get_text()]  # fmt: skip
    shown = [text.get_text() for text in ticks if bottom <= text.get_position()[1] <= top]
    assert len(shown) >= 3 and len({*shown}) == len(shown)
    assert not any("e-0" in text for text in shown)


def test_an_empty_history_is_an_error(history):
    with pytest.raises(UserError, match="no rows"):
        training.draw(history[:0], "net")


def test_the_rule_draws_all_histories_in_one_figure(tmp_path, history):
    paths = []
    for strength, part in history.groupby("strength"):
        paths.append(tmp_path / f"{strength}.parquet")
        part.to_parquet(paths[-1])
    files = [tmp_path / f"a.{kind}" for kind in ("pdf", "png", "rst")]
    notes = [tmp_path / f"{k}.json" for k in range(len(paths))]
    for note in notes:
        note.write_text(json.dumps({"before": {"validation_accuracy": 0.3}}))
    about = "net", ["none", "human"], None, "A title", "A caption."
    plot_training.main(paths, notes, *files, *about)
    assert Image.open(files[1]).size[0] == 1440 and files[0].stat().st_size > 1e4
