"""Maps over photographs hold what recordings, stimuli and predictions hold."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import plot_maps
from itcortex import store
from itcortex.encoding.map_alignment import map_alignment
from itcortex.errors import UserError
from itcortex.figures import examples, maps
from made import artists
from made import tables as made_tables
from made.artists import texts, written

pytestmark = pytest.mark.long


def block(folder, **options):
    """A block made of files that were written and read again."""
    paths, name = made_tables.files(folder, **options)
    predicted = [store.read_recording(path) for path in paths["predictions"]]
    labels_shown = options.get("models", ("a imagenet", "b untrained"))
    return examples.join(
        name,
        store.read_recording(paths["recording"]),
        store.read_stimuli(paths["stimuli"]),
        examples.of_recording(predicted, name, list(labels_shown)),
    )


def test_photographs_are_joined_by_id(tmp_path):
    """The stimuli file holds the images in reversed order."""
    one = block(tmp_path)
    paths, _ = made_tables.files(tmp_path)
    stimuli = store.read_stimuli(paths["stimuli"])
    assert stimuli.image_ids[::-1] == one.image_ids
    np.testing.assert_array_equal(one.images, stimuli.images[::-1])


def test_maps_show_photographs_maps_and_their_rank_correlation(tmp_path):
    one = block(tmp_path)
    figure = maps.draw([one], 3)
    assert len(figure.axes) == 3 * (1 + 3 + 2) + 1  # rows x columns, colour bar
    rho = {label: map_alignment(one.recorded, p, 1)[1] for label, p in one.predicted.items()}
    ranked = np.argsort(-np.mean(list(rho.values()), axis=0))
    corners = [t for t in texts(figure) if t.startswith("ρ ")]
    expected = [
        f"ρ {rho[label][image]:.2f}" for image in ranked[[0, 2, 5]] for label in one.predicted
    ]
    assert corners == expected
    rows = [t for t in texts(figure) if "\nrank " in t]
    assert rows[0] == f"photo{ranked[0]}\nrank 1 of 6"
    assert rows[-1] == f"photo{ranked[5]}\nrank 6 of 6"
    assert "PL, Monkey 1, made_17x17 (SIMULATED)" in texts(figure)
    photograph, average = figure.axes[0].images[0], figure.axes[1].images[1]
    np.testing.assert_array_equal(photograph.get_array(), one.images[ranked[0]])
    shown = average.get_array()
    assert shown.shape == (17, 17)
    assert (shown.mean(), shown.std()) == pytest.approx((0, 1), abs=1e-9)
    # cells tile the image: map and photograph have the same borders
    assert average.get_extent() == photograph.get_extent()


def test_examples_run_from_best_to_worst():
    rho = {"a": np.array([0.1, 0.9, np.nan, 0.5]), "b": np.array([0.2, 0.8, np.nan, 0.6])}
    assert examples.images(rho, 3) == [(1, 1), (0, 3), (2, 4)]
    assert examples.images(rho, 10) == [(1, 1), (3, 2), (0, 3), (2, 4)]


def test_recording_without_grid_or_time_gets_scatter_plots(tmp_path):
    one = block(tmp_path, grid=(1, 1), n_ms=1, n_images=40)
    assert not one.has_grid
    figure = maps.draw([one], 3)
    assert len(figure.axes) == 2 * 2
    site = examples.sites(one)[0][0]
    drawn = figure.axes[0].lines[0].get_xydata()
    np.testing.assert_allclose(drawn[:, 0], one.predicted["a imagenet"][:, 0, 0, site])
    np.testing.assert_allclose(drawn[:, 1], one.recorded[:, 0, 0, site])
    r = np.corrcoef(drawn.T)[0, 1]
    assert f"r {r:.2f}" in texts(figure)
    assert not any(t.startswith("maps: ") for t in texts(figure))


def test_constant_sites_and_predictions_are_drawn(tmp_path):
    one = block(tmp_path)
    one.recorded[..., 0] = 3.0
    one.predicted["b untrained"][:] = 1.0
    figure = maps.draw([one], 2)
    assert texts(figure).count("ρ 0.00") == 2  # a constant prediction explains nothing
    written(figure, tmp_path, "constant")


def test_missing_images_and_models_are_named(tmp_path):
    paths, name = made_tables.files(tmp_path)
    recording, stimuli = (
        store.read_recording(paths["recording"]),
        store.read_stimuli(paths["stimuli"]),
    )
    predicted = [store.read_recording(path) for path in paths["predictions"]]
    with pytest.raises(UserError, match=r"no predictions of model 'a imagnet'.*'a imagenet'"):
        examples.of_recording(predicted, name, ["a imagnet"])
    fewer = type(stimuli)(stimuli.images[1:], stimuli.image_ids[1:])
    found = examples.of_recording(predicted, name, ["a imagenet"])
    with pytest.raises(UserError, match=r"lack images \['photo5.jpg'\]"):
        examples.join(name, recording, fewer, found)
    with pytest.raises(UserError, match="name at least one model"):
        examples.join(name, recording, stimuli, {})


def test_markup_in_names_is_drawn_as_it_is(tmp_path):
    made = block(tmp_path)
    odd = dataclasses.replace(
        made, image_ids=tuple(f"$_{{{k} <i>.png" for k in range(len(made.image_ids))),
        predicted=dict(zip(("a$_{b", "$x$ <b>&amp;"), made.predicted.values(), strict=True)),
    )  # fmt: skip
    figure = maps.draw([odd], 2)
    written(figure, tmp_path, "odd")  # what matplotlib takes for a formula fails here
    assert any(text.startswith("$_{") and "<i>\nrank 1" in text for text in texts(figure))


def test_bytes_borders_and_sizes(tmp_path):
    blocks = [block(tmp_path), block(tmp_path, grid=(1, 1), n_ms=1)]
    figure = maps.draw(blocks, 2)
    first = written(figure, tmp_path, "a")
    assert first[0] == artists.as_pdf(maps.draw(blocks, 2))
    assert artists.smallest_text(figure) >= 8 and not artists.is_cut_off(first[1])


def test_many_predicted_maps_fit_on_a_page(tmp_path):
    one = block(tmp_path)
    some = dict.fromkeys((f"a_network_of_some_{k}" for k in range(5)), one.predicted["a imagenet"])
    figure = maps.draw([dataclasses.replace(one, predicted=some)], 1)
    assert figure.get_figwidth() == pytest.approx(7.2)
    assert not artists.is_cut_off(written(figure, tmp_path, "many")[1])


def test_the_script_joins_by_name_and_says_the_mean_alignment(tmp_path):
    grid, grid_name = made_tables.files(tmp_path)
    flat, flat_name = made_tables.files(tmp_path, grid=(1, 1), n_ms=1)
    files = [tmp_path / f"c.{kind}" for kind in ("pdf", "png", "rst")]
    plot_maps.main(
        [grid["recording"], flat["recording"]], [grid["stimuli"], flat["stimuli"]],
        [*flat["predictions"], *grid["predictions"]], *files,
        recording_names=[grid_name, flat_name], models=["b untrained"], n_images=2,
        title="A title", caption="A caption.",
    )  # fmt: skip
    one = block(tmp_path, models=("b untrained",))
    assert len(one.predicted) == 1
    said = Image.open(files[1]).text["Description"]
    assert said.count("mean ρ = ") == 1 and "(b untrained, PL, Monkey 1, made_17x17" in said
