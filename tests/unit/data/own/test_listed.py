"""Pictures that a list names, out of a folder that nobody may pass on."""

import hashlib
import logging

import numpy as np
import pytest
from PIL import Image

from itcortex import store
from itcortex.data.own.image_lists import LISTS
from itcortex.data.own.listed import ListedPictures
from itcortex.errors import UserError
from made.tvsd import image_names, write_images, write_things


@pytest.fixture
def shown(tmp_path):
    """The folder of THINGS, the list of what was shown, and the names in it."""
    train, test = image_names(4, 2)
    folder = write_things(tmp_path / "object_images", train + test)
    listed = write_images(tmp_path / "things_imgs.mat", train, test)
    return folder, listed, [name.replace("\\", "/") for name in train + test]


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_pictures_come_in_the_lists_order_and_no_others(shown):
    folder, listed, names = shown
    pictures = ListedPictures(folder, LISTS["tvsd"](listed))
    read = list(pictures)
    assert list(pictures.names) == names
    for name, image in zip(names, read, strict=True):
        np.testing.assert_array_equal(image, pixels(folder / name))
    lines = [f"{n} {hashlib.sha256((folder / n).read_bytes()).hexdigest()}\n" for n in names]
    assert pictures.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_all_in_one_folder_and_without_their_endings_are_found(shown, tmp_path):
    folder, _, names = shown
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in names:
        (folder / name).rename(flat / name.rpartition("/")[2].upper())
    pictures = ListedPictures(flat, tuple(name.removesuffix(".jpg") for name in names))
    assert pictures.files[0].name == "AARDVARK_00000.JPG"


def test_missing_and_renamed_pictures_are_listed(shown, caplog):
    folder, listed, names = shown
    (folder / names[1]).rename(folder / "abacus" / "other.jpg")
    (folder / names[5]).unlink()
    with pytest.raises(UserError) as error:
        ListedPictures(folder, LISTS["tvsd"](listed))
    assert f"2 of 6 images have no picture: {names[1]!r}, {names[5]!r}" in str(error.value)
    many = tuple(f"a/{k:02d}.jpg" for k in range(12))
    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match="and 2 more"):
        ListedPictures(folder, many)
    assert ", ".join(many) in caplog.text
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="has no image"):
        ListedPictures(folder / "empty", many)


def test_sizes_must_agree_unless_one_is_asked_for(shown):
    folder, listed, names = shown
    Image.new("RGB", (40, 24)).save(folder / names[3])
    with pytest.raises(UserError, match=r"40x24 pixels, and the first picture has 32x32.*size_px"):
        list(ListedPictures(folder, LISTS["tvsd"](listed)))
    assert {i.shape for i in ListedPictures(folder, LISTS["tvsd"](listed), 20)} == {(20, 20, 3)}


def test_a_picture_that_changes_meanwhile_is_refused(shown):
    folder, listed, names = shown
    pictures = iter(ListedPictures(folder, LISTS["tvsd"](listed)))
    next(pictures)
    Image.new("RGB", (32, 32)).save(folder / names[0])
    with pytest.raises(UserError, match="pictures changed while they were read"):
        list(pictures)


def test_stimuli_are_written_one_by_one_and_large_ones_stay_in_their_file(
    shown, tmp_path, monkeypatch
):
    folder, listed, names = shown
    pictures = ListedPictures(folder, LISTS["tvsd"](listed))
    store.write_pictures(tmp_path / "s.h5", pictures)
    noted = store.read_attributes(tmp_path / "s.h5")
    assert noted == {"source": str(folder), "source_sha256": pictures.sha256}
    whole = store.read_stimuli(tmp_path / "s.h5")
    assert isinstance(whole.images, np.ndarray) and list(whole.image_ids) == names
    monkeypatch.setattr("itcortex.store.arrays.IN_MEMORY_BYTES", 1)
    stored = store.read_stimuli(tmp_path / "s.h5")
    assert stored.images.shape == whole.images.shape and len(stored.images) == 6
    assert stored.pictures == whole.pictures
    for key in (2, -1, slice(1, 5), slice(None, None, -2)):
        np.testing.assert_array_equal(stored.images[key], whole.images[key])
    ordered = stored.images[[4, 0, 2]]
    assert not isinstance(ordered, np.ndarray)
    np.testing.assert_array_equal(np.asarray(ordered), whole.images[[4, 0, 2]])
    np.testing.assert_array_equal(ordered[1:], whole.images[[0, 2]])
