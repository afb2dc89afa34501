"""Kinds of image: named by a table, or found again where they were planted."""

import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.ndimage import gaussian_filter

import label_images
from itcortex import store
from itcortex.data.kinds import block_kinds, cluster_kinds, picture_statistics
from itcortex.data.stimuli import Stimuli, read_images
from itcortex.encoding.ceilings import twin_images
from itcortex.errors import UserError
from itcortex.figures import kinds as figure

REGISTRY = Path(__file__).resolve().parents[3] / "experiments" / "datasets.yaml"


def pictures(rng, count, spread, side=32):
    """Pictures whose energies, brightness and tint vary independently, by factors of about e^spread."""
    noise = rng.standard_normal((count, side, side))
    octaves = [gaussian_filter(noise, (0, width, width)) for width in (0, 1, 2, 4)]
    amplitudes = 12 * np.exp(spread * rng.standard_normal((4, count, 1, 1)))
    values = sum(a * x / x.std() for a, x in zip(amplitudes, octaves, strict=True))
    values += 120 + 40 * spread * rng.standard_normal((count, 1, 1))
    tint = 20 * np.exp(spread * rng.standard_normal((count, 1, 1, 1))) * np.array([1, 0, -1])
    return np.clip(values[..., None] + tint, 0, 255).astype(np.uint8)


def test_a_narrow_kind_is_found_in_a_wide_one_whatever_the_order(rng):
    images = np.concatenate([pictures(rng, 300, 0.7), pictures(rng, 100, 0.05)])
    order = rng.permutation(400)
    found = np.array(cluster_kinds(images[order], 2, 0))
    planted = np.where(order < 300, "kind 1", "kind 2")  # the larger one is the first
    assert (found == planted).mean() > 0.97
    assert cluster_kinds(images[order], 2, 0) == tuple(found)
    with pytest.raises(UserError, match="2 groups of 19 images: at least 10 images a group"):
        cluster_kinds(images[:19], 2, 0)


def test_statistics_by_hand():
    """Black, white and a grating of single pixels: its energy is in the finest octave alone."""
    images = np.zeros((3, 16, 16, 3), np.uint8)
    images[1], images[2, :, ::2] = 255, 255
    found = picture_statistics(images)
    assert found.shape == (3, 8)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(found[:, 0], np.array([-1, 1, 0]) * np.sqrt(1.5), atol=1e-5)
    np.testing.assert_allclose(found[:, 3], np.array([-1, -1, 2]) / np.sqrt(2), atol=1e-5)
    np.testing.assert_array_equal(found[:, 2], 0)  # no colours, and no division by 0


def test_statistics_of_1200_pictures_take_less_than_a_second(rng):
    images = rng.integers(0, 256, (1200, 112, 112, 3), dtype=np.uint8)
    started = time.process_time()
    picture_statistics(images)
    assert time.process_time() - started < 1


def labelled(folder, images, text=None, **kinds):
    """Kinds that the rule writes for images a.png, b.png, ..."""
    names = tuple(f"{letter}.png" for letter in "abcdefgh"[: len(images)])
    store.write_stimuli(folder / "s.h5", Stimuli(images, names))
    tables = []
    if text is not None:
        (folder / "t.csv").write_text(text)
        tables = [folder / "t.csv"]
    label_images.main(folder / "s.h5", tables, folder / "i.parquet", kinds)
    return store.read_table(folder / "i.parquet")["kind"].tolist()


def test_kinds_of_a_table(tmp_path, rng, caplog):
    options = {"table": "t.csv", "names": "image", "column": "kind"}
    images = rng.integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    text = "kind,image,x\nNA,c.png,1\nphoto,a.png,2\nphoto,b.png,3\nphoto,more.png,4\n"
    assert labelled(tmp_path, images) == ["all"] * 3
    assert labelled(tmp_path, images, text, **options) == ["photo", "photo", "NA"]
    for wrong, message in {
        text.replace("kind,", "sort,"): r"t\.csv: no column 'kind'",
        text.replace("b.png", "d.png"): r"\['b\.png'\] have no kind",
        text.replace("more.png", "a.png").replace("photo,a", "disc,a", 1): "have several",
    }.items():
        with pytest.raises(UserError, match=message):
            labelled(tmp_path, images, wrong, **options)


def test_kinds_by_the_order_of_names(tmp_path, rng):
    images = rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    blocks = [["photo", 1], ["disc", 3], ["photo", 1]]
    assert labelled(tmp_path, images, blocks=blocks) == ["photo", "disc", "disc", "disc", "photo"]
    assert block_kinds(("b", "c", "a"), [["first", 1], ["others", 2]]) == (
        "others",
        "others",
        "first",
    )
    with pytest.raises(UserError, match=r"\['disc', 3\]\] are 4 images, and there are 5"):
        labelled(tmp_path, images, blocks=blocks[:2])
    with pytest.raises(UserError, match="all are of the kind 'photo'; name two kinds at least"):
        block_kinds(("a", "b"), [["photo", 1], ["photo", 1]])


def test_blocks_of_names_that_count_without_leading_zeros_are_refused():
    """By the alphabet 10.png stands before 2.png, and would silently be of the first kind."""
    names, blocks = [f"{number}.png" for number in range(1, 13)], [["photo", 6], ["disc", 6]]
    with pytest.raises(UserError, match=r"'10\.png' is of the kind 'photo'.*leading zeros"):
        block_kinds(names, blocks)
    padded = [name.zfill(6) for name in names]
    assert block_kinds(padded, blocks) == ("photo",) * 6 + ("disc",) * 6
    assert block_kinds(names[:9], [["photo", 4], ["disc", 5]])[3:5] == ("photo", "disc")


@pytest.mark.long
def test_photographs_and_discs_of_a_real_session_are_named(shared):
    """Session 210322: clustering mixes them; grey pictures with a plain margin are the last 600."""
    stimuli = read_images(shared / "data" / "v4_cowley2023" / "images_210322.zip")
    entry = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))["stimuli"]["v4_210322_images"]
    found = np.array(block_kinds(stimuli.image_ids, entry["kinds"]["blocks"]))
    images = np.stack([*stimuli.images]).astype(int)
    grey = np.abs(images - images[..., :1]).mean((1, 2, 3)) < 1
    corners = images[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(len(images), -1)
    assert (grey & (np.ptp(corners, 1) < 12))[found == "disc"].all()
    assert (~grey)[found == "photograph"].mean() > 0.95


def test_the_figure_shows_every_kind_and_its_oddest_image(rng):
    images = np.concatenate([pictures(rng, 30, 0.05), pictures(rng, 10, 0.7)])
    images[7] = 255  # nothing like the other textures
    shown = figure.Shown("set", images, ("texture",) * 30 + ("scene",) * 10)
    found = figure.examples(shown)
    assert list(found) == ["texture", "scene"]
    assert found["texture"][1][0] == 7
    assert [len(part) for part in found["scene"]] == [7, 7]
    drawn = figure.draw([shown])
    assert len(drawn.axes) == 4 * 7
    texts = {text.get_text() for text in drawn.texts}
    assert {"set", "texture\n30", "scene\n10"} <= texts


@pytest.mark.long
def test_twins_and_textures_of_a_real_session_are_found(shared):
    """Session 190925: images 601 to 900 are synthesised, two of them unlike the other 298; the first
    300 of its pictures are shown again at the end, with responses of reliability .80."""
    folder = shared / "data" / "v4_cowley2023"
    stimuli = read_images(folder / "images_190925.zip")
    found = np.array(cluster_kinds(stimuli.images, 2, 0))
    counts = [int((found[k : k + 300] == "kind 2").sum()) for k in range(0, 1200, 300)]
    assert counts == [0, 0, 298, 0]
    assert len(set(stimuli.pictures)) == 900
    responses = np.load(folder / "responses_repeat_averaged_190925.npy").T[:, None]
    of_sites = twin_images(responses, stimuli.pictures)
    assert np.median(of_sites) == pytest.approx(0.80, abs=0.01)
