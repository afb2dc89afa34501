"""The theme: looks that readers can tell apart, panels that fit, files with their captions."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from docutils.core import publish_parts
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from PIL import Image
from skimage.color import rgb2lab

from itcortex.figures import style, tradeoff
from made import artists
from made import tables as made_tables

#: How people without one kind of cone see linear RGB (Machado, Oliveira & Fernandes 2009, severity 1).
COLOUR_BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.fixture
def quick_fonts():
    """None here: files are those that users get."""


def test_categories_differ_in_colour_and_in_marker():
    looks = style.LOOKS.values()
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == 10


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_colour_blind_readers_can_tell_categories_apart(kind):
    rgb = np.array([to_rgb(look.colour) for look in style.LOOKS.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(COLOUR_BLIND[kind]), 0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)]
    assert min(distances) > 15  # a just noticeable difference is about 2.3


def test_what_seaborn_draws_has_our_colours_and_fonts():
    @style.styled
    def draw():
        figure = style.new_figure(3, 3)
        axes = figure.add_subplot()
        for height in (1, 2):
            sns.lineplot(x=[0, 1], y=[0, height], ax=axes)
        axes.set_xlabel("abscissa")
        return figure

    (axes,) = draw().axes
    colours = [look.colour for look in style.CATEGORIES.values()]
    assert [to_hex(line.get_color()).upper() for line in axes.lines] == colours[:2]
    assert axes.xaxis.label.get_fontname() == "DejaVu Sans"
    assert not axes.spines["top"].get_visible()


def test_drawing_leaves_matplotlibs_settings_alone():
    before = dict(mpl.rcParams)
    tradeoff.draw(made_tables.summary(made_tables.DEMO[:1]))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(("count", "width"), [(1, 3.5), (2, 7.2), (3, 7.2), (7, 7.2)])
def test_a_figure_is_a_column_or_a_page_wide_and_its_panels_have_the_height_that_was_asked(
    count, width
):
    titles = ["a short title"] * (count - 1) + [
        "a title that is much too long for one line of a panel"
    ]
    handles = [Line2D([], [], label=f"entry {k}") for k in range(9)]
    figure, places = style.panel_grid(titles, 2.0, handles, notes=2)
    assert figure.get_figwidth() == width
    boxes = [place.get_position(figure) for place, _ in places]
    assert {round(box.height * figure.get_figheight(), 6) for box in boxes} == {2.0}
    assert len({round(box.width, 6) for box in boxes}) == 1
    for (place, title), text in zip(places, titles, strict=True):
        assert title.replace("\n", " ") == text
        style.head(figure.add_subplot(place), title, "one note", "another note")
    box = figure.get_tightbbox()
    assert box.y1 <= figure.get_figheight() and box.y0 >= 0


def test_a_caption_is_in_all_files_and_snakemakes_report_shows_it_word_by_word(tmp_path):
    paths = [tmp_path / f"a.{kind}" for kind in ("pdf", "png", "rst")]
    title, parts = "ρ | x_", ("Of net_ and *stars*", "", "`code` \\ end.")
    style.save(style.new_figure(1, 1), *paths, title, *parts)
    text = "Of net_ and *stars* `code` \\ end."
    assert Image.open(paths[1]).text["Title"] == title
    assert Image.open(paths[1]).text["Description"] == text
    strict = {"halt_level": 1, "report_level": 1}  # anything that docutils would remark is an error
    body = publish_parts(paths[2].read_text(), writer_name="html", settings_overrides=strict)[
        "body"
    ]
    assert body.strip() == f"<p><strong>{title}.</strong> {text}</p>"


@pytest.mark.long
def test_text_stays_text_in_fonts_of_their_own_and_the_same_figure_has_the_same_bytes(tmp_path):
    figure = style.new_figure(2, 2)
    axes = figure.add_subplot()
    style.head(axes, "ρ of a bold title", "r²/2, 95 % ± ∆")
    first, second = (artists.written(figure, tmp_path, name) for name in "ab")
    assert first == second
    embedded = first[0].count(b"/FontFile2")
    assert (
        embedded == first[0].count(b"/Subtype /CIDFontType2") == 4
    )  # plain and bold; Latin, beyond
    assert b"/Subtype /Type3" not in first[0]


def test_a_panel_without_a_number_says_why():
    axes = style.new_figure(2, 2).add_subplot()
    style.say_if_empty(axes, pd.Series([np.nan, 1.0]), "nothing")
    assert not axes.texts
    style.say_if_empty(axes, pd.Series([np.nan]), "nothing")
    assert [text.get_text() for text in axes.texts] == ["nothing"]
