"""Arcaro et al. 2020: axes, orientation, names, and everything that can be wrong in the archive."""

import io
import logging
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

import label_images
import prepare_recordings
from itcortex import store
from itcortex.data.published.arcaro import read_arcaro
from itcortex.data.stimuli import read_images
from itcortex.errors import UserError

MAT, FOLDER = "George/george_060118_data.mat", "George/natural_test"
PNG = io.BytesIO()
Image.new("RGB", (16, 16)).save(PNG, format="png")


def as_v5(image_rf, names, **options):
    """Bytes of a version 5 .mat with a 1 x n cell array of names."""
    cell = np.empty((1, len(names)), dtype=object)
    cell[0] = names
    stream = io.BytesIO()
    savemat(stream, {"imageRF": image_rf, "UniqueNames": cell}, **options)
    return stream.getvalue()


def as_v73(image_rf, names):
    """Bytes of a version 7.3 .mat as MATLAB lays it out: HDF5 behind a header of 512 bytes."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=512) as handle:
        handle["imageRF"] = image_rf.T
        cells = np.empty((len(names), 1), dtype=h5py.ref_dtype)
        for index, name in enumerate(names):
            codes = np.array([[ord(letter)] for letter in name], dtype=np.uint16)
            cells[index, 0] = handle.create_dataset(f"#refs#/{index}", data=codes).ref
        handle.create_dataset("UniqueNames", data=cells, dtype=h5py.ref_dtype)
    content = bytearray(stream.getvalue())
    header = b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM"
    content[: len(header)] = header
    return bytes(content)


def archive_of(path, mat, files):
    """A published archive of one .mat, with image files of those names."""
    with zipfile.ZipFile(path, "w") as handle:
        handle.writestr(MAT, mat)
        for name in files:
            handle.writestr(f"{FOLDER}/{name}", PNG.getvalue())
    return path


def read(path, sites=(0, 2), **attributes):
    """Read an archive of `archive_of`."""
    return read_arcaro(path, attributes, mat=MAT, sites=sites, images_folder=FOLDER)


@pytest.fixture
def image_rf(rng):
    """Responses (x, y, ms, channel, image) on a grid that is not square."""
    return rng.random((5, 9, 4, 3, 2)).astype(np.float32)


NAMES = ("cat.png", "dog.png")


@pytest.mark.parametrize("encode", [as_v5, as_v73])
def test_axes_and_names_of_a_published_archive(tmp_path, image_rf, encode):
    mat = encode(image_rf, [rf"C:\Users\me\natural test\{name}" for name in NAMES])
    recording = read(archive_of(tmp_path / "a.zip", mat, ("dog.png", "cat.png")), (1, 3), area="PL")
    assert recording.image_ids == NAMES
    assert recording.site_ids == ("channel-02", "channel-03")
    assert recording.responses.shape == (2, 5, 9, 4, 2)
    assert recording.responses.dtype == np.float32
    for y, x, ms, site, image in ((0, 0, 0, 0, 0), (4, 1, 3, 1, 1), (2, 8, 1, 0, 1)):
        expected = image_rf[4 - y, 8 - x, ms, 1 + site, image]
        assert recording.responses[image, y, x, ms, site] == expected
    assert recording.attributes == {"ms_start": 0, "ms_bin": 1, "area": "PL", "constant_sites": []}


def test_same_as_the_authors_loader(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    images_first = image_rf.transpose(-1, 0, 1, 2, 3)
    np.testing.assert_array_equal(read(path).responses, images_first[:, ::-1, ::-1][..., :2])


@settings(max_examples=20, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 5),
    dtype=st.sampled_from([np.float32, np.float64, np.uint8, np.int16]),
    drop=st.booleans(),
)
def test_any_shape_survives_also_without_trailing_axes(tmp_path_factory, shape, dtype, drop):
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    names = [f"{n}.png" for n in range(shape[4])]
    stored = values
    while drop and stored.ndim > 2 and stored.shape[-1] == 1:  # as MATLAB does
        stored = stored[..., 0]
    path = archive_of(tmp_path_factory.mktemp("a") / "a.zip", as_v5(stored, names), names)
    recording = read(path, (0, shape[3]))
    expected = values[::-1, ::-1].transpose(4, 0, 1, 2, 3)
    np.testing.assert_array_equal(recording.responses, expected)
    assert recording.has_grid == (shape[0] * shape[1] > 1)
    assert recording.has_time == (shape[2] > 1)


def test_names_differ_from_files_in_case_only(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, ["D:/x/CAT.PNG", "dog.png"]), NAMES)
    assert read(path).image_ids == NAMES


def test_names_that_match_no_file_are_listed(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, [r"C:\i\cats.png", "bird.png"]), NAMES)
    with pytest.raises(UserError, match=r"2 of 2 image names.*cats\.png, bird\.png.*'cat\.png'"):
        read(path)


def test_a_name_given_twice(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, ["cat.png", "cat.png"]), NAMES)
    with pytest.raises(UserError, match=r"image ids must be unique.*cat\.png"):
        read(path)


def test_a_mat_without_image_rf_lists_what_it_holds(tmp_path):
    stream = io.BytesIO()
    savemat(stream, {"imageRf": np.zeros(3), "UniqueNames": np.zeros(3)})
    path = archive_of(tmp_path / "a.zip", stream.getvalue(), NAMES)
    with pytest.raises(UserError, match=r"george_060118_data\.mat: no variable 'imageRF'.*imageRf"):
        read(path)


def test_a_v73_mat_without_image_rf_lists_what_it_holds(tmp_path, image_rf):
    mat = as_v73(image_rf, NAMES).replace(b"imageRF\0", b"imageXX\0")
    with pytest.raises(UserError, match=r"no variable 'imageRF'; it holds UniqueNames, imageXX"):
        read(archive_of(tmp_path / "a.zip", mat, NAMES))


@pytest.mark.parametrize("encode", [as_v5, as_v73])
@pytest.mark.parametrize("size", [0, 60, 200, 1500])
def test_a_damaged_mat(tmp_path, image_rf, encode, size):
    path = archive_of(tmp_path / "a.zip", encode(image_rf, NAMES)[:size], NAMES)
    with pytest.raises(UserError, match=r"a\.zip: George/george_060118_data\.mat: not a readable"):
        read(path)


@pytest.mark.parametrize("shape", [(5, 9, 4, 2), (5, 9, 4, 3, 3), (5, 9, 4, 3, 2, 1), (5, 9)])
def test_axes_that_do_not_fit_the_names(tmp_path, shape):
    path = archive_of(tmp_path / "a.zip", as_v5(np.ones(shape), NAMES), NAMES)
    with pytest.raises(
        UserError, match=r"imageRF is float64 \(5, 9.*5 axes|as long as the 2 names"
    ):
        read(path)


def test_image_rf_that_is_no_number(tmp_path):
    path = archive_of(tmp_path / "a.zip", as_v5(np.array(["text"]), NAMES), NAMES)
    with pytest.raises(UserError, match="imageRF is <U4"):
        read(path)


@pytest.mark.parametrize("sites", [(0, 4), (2, 2), (-1, 2), (3, 1)])
def test_channels_that_are_not_there(tmp_path, image_rf, sites):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    with pytest.raises(UserError, match=rf"sites \[{sites[0]}, {sites[1]}\] .* 0\.\.3 channels"):
        read(path, sites)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_names_image_and_site(tmp_path, image_rf, value):
    image_rf[2, 3, 1, 1, 1] = value
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    with pytest.raises(UserError, match=r"for 1 pairs of image and site: dog\.png at channel-02"):
        read(path)
    assert read(path, (0, 1)).responses.shape[-1] == 1  # the array without that channel is whole


def test_constant_sites_are_kept_and_reported(tmp_path, image_rf, caplog):
    image_rf[..., 1, :] = 7
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    with caplog.at_level(logging.WARNING):
        recording = read(path, (0, 3))
    assert recording.attributes["constant_sites"] == ["channel-02"]
    assert recording.responses.shape[-1] == 3
    assert "1 of 3 sites never change" in caplog.text


def test_the_script_checks_names_on_the_images_of_the_same_archive(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    images = {"dataset": "arcaro", "file": "a.zip", "folder": FOLDER}
    entry = {
        "dataset": "arcaro",
        "file": "a.zip",
        "format": "arcaro2020",
        "options": {"mat": MAT, "sites": [2, 3]},
        "attributes": {"monkey": "George", "simulated": False},
    }
    shown = read_images(path, FOLDER)
    store.write_stimuli(tmp_path / "s.h5", shown)
    label_images.main(tmp_path / "s.h5", [], tmp_path / "s.parquet", {})
    prepare_recordings.main(path, [], tmp_path / "s.parquet", tmp_path / "r.h5", entry, images)
    stored = store.read_recording(tmp_path / "r.h5")
    np.testing.assert_array_equal(stored.responses, read(path, (2, 3)).responses)
    assert stored.attributes["source"] == "arcaro/a.zip"
    assert stored.attributes["monkey"] == "George"
    assert stored.site_ids == ("channel-03",)


# --- the whole archive, laid out as published -----------------------------------------------------

SCENES = tuple(f"Scene {n:02d}.png" for n in range(1, 15))
MONKEYS = {
    "George": ("george_060118_data.mat", "natural_test", (17, 17), 63),
    "Red": ("red_062419_data.mat", "red_naturalface", (9, 9), 32),
}
N_MS = 4


def planted(shape):
    """Responses of which every value is the number of its place: whole numbers, exact in float32."""
    assert np.prod(shape) < 2**24
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def expected_at(shape, image, y, x, ms, channel):
    """What `planted` put where the authors' loader, with both axes reversed, looks."""
    return np.ravel_multi_index((shape[0] - 1 - y, shape[1] - 1 - x, ms, channel, image), shape)


@pytest.fixture(scope="module", params=[("", as_v5), ("Arcaro2020/", as_v73)], ids=["v5", "v73"])
def published(request, tmp_path_factory):
    """The archive: two monkeys, 14 images, 17 x 17 and 9 x 9 positions, more images than used."""
    top, encode = request.param
    path = tmp_path_factory.mktemp("arcaro") / "Arcaro2020.zip"
    with zipfile.ZipFile(path, "w") as handle:
        for monkey, (mat, folder, grid, n_channels) in MONKEYS.items():
            names = [rf"D:\Stimuli\{folder}\{name}" for name in reversed(SCENES)]
            content = encode(planted((*grid, N_MS, n_channels, 14)), names)
            handle.writestr(f"{top}{monkey}/{mat}", content)
            for name in (*SCENES, "unused 15.png", "Thumbs.db"):
                handle.writestr(f"{top}{monkey}/{folder}/{name}", PNG.getvalue())
    return path


#: The registry's recordings: channels as documented, and as in the authors' slice (`_reference`).
ARRAYS = {
    "m1_pl": ("George", [0, 32], range(32)),
    "m1_ml": ("George", [32, None], range(32, 63)),
    "m2_ml": ("Red", [0, None], range(32)),
    "m1_pl_reference": ("George", [0, 33], range(33)),
    "m1_ml_reference": ("George", [33, None], range(33, 63)),
}


@pytest.mark.parametrize("array", ARRAYS)
def test_every_value_of_every_array_is_where_it_belongs(published, array):
    monkey, sites, channels = ARRAYS[array]
    mat, folder, grid, n_channels = MONKEYS[monkey]
    recording = read_arcaro(
        published, {}, mat=f"{monkey}/{mat}", sites=sites, images_folder=f"{monkey}/{folder}"
    )
    assert recording.image_ids == SCENES[::-1]  # the order of the names, not of the files
    assert recording.site_ids == tuple(f"channel-{channel + 1:02d}" for channel in channels)
    assert recording.responses.shape == (14, *grid, N_MS, len(channels))
    image, y, x, ms, site = np.indices(recording.responses.shape, sparse=True)
    shape = (*grid, N_MS, n_channels, 14)
    places = expected_at(shape, image, y, x, ms, channels.start + site)
    np.testing.assert_array_equal(recording.responses, places)


def test_both_splits_of_monkey_1_share_the_channels_between_them(published):
    mat, folder, *_ = MONKEYS["George"]
    for pl, ml in (("m1_pl", "m1_ml"), ("m1_pl_reference", "m1_ml_reference")):
        ids = [
            site
            for name in (pl, ml)
            for site in read_arcaro(
                published, {}, f"George/{mat}", ARRAYS[name][1], f"George/{folder}"
            ).site_ids
        ]
        assert ids == [f"channel-{n:02d}" for n in range(1, 64)]


# --- tricky archives ------------------------------------------------------------------------------


@pytest.mark.parametrize("n_images", [1, 3])
@pytest.mark.parametrize("encode", [as_v5, as_v73])
def test_a_single_channel(tmp_path, encode, n_images):
    """MATLAB stores a (5, 9, 4, 1, 1) array as (5, 9, 4)."""
    values = planted((5, 9, N_MS, 1, n_images))
    stored = values[..., 0, 0] if n_images == 1 else values
    names = [f"{n}.png" for n in range(n_images)]
    recording = read(archive_of(tmp_path / "a.zip", encode(stored, names), names), (0, None))
    assert recording.site_ids == ("channel-01",)
    np.testing.assert_array_equal(recording.responses, values[::-1, ::-1].transpose(4, 0, 1, 2, 3))


@pytest.mark.parametrize("encode", [as_v5, as_v73])
def test_names_beyond_ascii_and_in_upper_case(tmp_path, encode):
    values = planted((3, 2, 2, 2, 4))
    names = ["C:\\Bilder\\Früchte.PNG", "café.png", "図1.Jpg", "plain.png"]
    files = ["図1.jpg", "fru\u0308chte.png", "cafe\u0301.png", "plain.png"]  # as macOS zips them
    recording = read(archive_of(tmp_path / "a.zip", encode(values, names), files), (1, None))
    assert recording.image_ids == ("früchte.png", "café.png", "図1.jpg", "plain.png")
    np.testing.assert_array_equal(
        recording.responses, values[::-1, ::-1, :, 1:].transpose(4, 0, 1, 2, 3)
    )


def test_files_that_differ_in_case_only_are_told_apart(tmp_path):
    values, files = planted((2, 2, 1, 1, 2)), ["Cat.png", "cat.png"]
    for names in (files, files[::-1]):
        recording = read(archive_of(tmp_path / "a.zip", as_v5(values, names), files), (0, 1))
        assert recording.image_ids == tuple(names)


@pytest.mark.parametrize("encode", [as_v5, as_v73])
def test_a_missing_image_is_named_and_those_beside_do_no_harm(tmp_path, image_rf, encode):
    mat = encode(image_rf, [r"C:\x\cat.png", r"C:\x\dog.png"])
    extra = ("bird.png", "Thumbs.db", "notes.txt")
    assert read(archive_of(tmp_path / "a.zip", mat, (*NAMES, *extra))).image_ids == NAMES
    path = archive_of(tmp_path / "b.zip", mat, ("cat.png", *extra))
    with pytest.raises(UserError, match=r"1 of 2 image names match no file.*: dog\.png; for"):
        read(path)


def test_sites_to_the_last_channel(tmp_path, image_rf):
    path = archive_of(tmp_path / "a.zip", as_v5(image_rf, NAMES), NAMES)
    rest = read(path, (1, None))
    assert rest.site_ids == ("channel-02", "channel-03")
    np.testing.assert_array_equal(rest.responses, read(path, (1, 3)).responses)
    with pytest.raises(UserError, match=r"sites \[3, None\] are not within 0\.\.3 channels.*null"):
        read(path, (3, None))
