"""The figure of recordings shows their photographs and their activity."""

import numpy as np
import pytest
from PIL import Image

import plot_recordings
from itcortex import store
from itcortex.encoding.map_alignment import site_average
from itcortex.errors import UserError
from itcortex.figures import examples, recordings
from made import artists
from made import tables as made_tables
from made.artists import texts, written


def block(folder, **options):
    """A recording made of files that were written and read again."""
    paths, name = made_tables.files(folder, models=(), **options)
    recording = store.read_recording(paths["recording"])
    window = [90, 130] if recording.has_time else None
    return examples.recorded(name, recording, store.read_stimuli(paths["stimuli"]), window)


def test_photographs_have_their_activity_below_them(tmp_path):
    one = block(tmp_path)
    figure = recordings.draw([one])
    cells = figure.axes[:-1]  # the last is the colour scale
    assert len(cells) == 2 * recordings.IMAGES
    activity = site_average(one.recorded)
    for number, (shown, mapped) in enumerate(zip(cells[::2], cells[1::2], strict=True)):
        np.testing.assert_array_equal(shown.images[0].get_array(), one.images[number])
        values = mapped.images[1].get_array()
        np.testing.assert_allclose(values, recordings.percent(activity)[number])
    drawn = np.array([cell.images[1].get_array() for cell in cells[1::2]])
    assert (drawn.min(), drawn.max()) == (0, 100)
    assert "6 images, 5 sites, 17 x 17 positions" in texts(figure)
    assert {"0 %", "50 %", "100 %", "photo0", "photo5"} <= set(texts(figure))


def test_without_a_grid_photographs_run_from_the_weakest_to_the_strongest(tmp_path):
    one = block(tmp_path, grid=(1, 1), n_ms=1, n_images=40)
    figure = recordings.draw([one])
    means = site_average(one.recorded)[:, 0, 0]
    numbers = [float(t[2:].replace("\N{MINUS SIGN}", "-")) for t in texts(figure) if t[:2] == "z "]
    assert numbers == sorted(numbers) and len(numbers) == recordings.IMAGES
    assert numbers[0] == pytest.approx(means.min(), abs=0.005)
    assert numbers[-1] == pytest.approx(means.max(), abs=0.005)
    assert "40 images, 5 sites, one position" in texts(figure)
    assert "0 %" not in texts(figure)  # no maps, no scale


def test_activity_that_does_not_vary_is_in_the_middle():
    np.testing.assert_array_equal(
        recordings.percent(np.full((2, 3, 3), 7.0)), np.full((2, 3, 3), 50.0)
    )


def test_an_image_that_the_stimuli_lack_is_named(tmp_path):
    paths, name = made_tables.files(tmp_path, models=())
    stimuli = store.read_stimuli(paths["stimuli"])
    fewer = type(stimuli)(stimuli.images[1:], stimuli.image_ids[1:])
    with pytest.raises(UserError, match=r"lack images \['photo5.jpg'\]"):
        examples.recorded(name, store.read_recording(paths["recording"]), fewer, [90, 130])


@pytest.mark.long
def test_script_bytes_borders_and_caption(tmp_path):
    made = [made_tables.files(tmp_path, models=(), grid=grid, n_ms=ms, n_images=images)
            for grid, ms, images in (((9, 9), 300, 2), ((1, 1), 1, 9))]  # fmt: skip
    written_twice = []
    for name in "ab":
        files = [tmp_path / f"{name}.{kind}" for kind in ("pdf", "png", "rst")]
        plot_recordings.main(
            [paths["recording"] for paths, _ in made], [paths["stimuli"] for paths, _ in made],
            *files, [name for _, name in made], [[90, 130]] * 2, "A title", "A caption.",
        )  # fmt: skip
        written_twice.append([path.read_bytes() for path in files])
    assert written_twice[0] == written_twice[1]
    assert not artists.is_cut_off(written_twice[0][1])
    said = Image.open(tmp_path / "a.png").text["Description"]
    assert (
        "Here: 2 images, 9 x 9 positions, 5 sites (PL, Monkey 1, made_9x9 (SIMULATED)); 9 images"
        in said
    )


def test_no_text_is_too_small(tmp_path):
    figure = recordings.draw([block(tmp_path, grid=(9, 9), n_images=2)])
    assert artists.smallest_text(figure) >= 8
    assert not artists.is_cut_off(written(figure, tmp_path, "f")[1])
