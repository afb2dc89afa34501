"""Published RDMs: the order of their pairs, their subjects, the images that belong to them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

import label_images
import prepare_rdms
import prepare_stimuli
from itcortex import store
from itcortex.data.published import kriegeskorte
from itcortex.data.rdms import Rdms, n_images_of, upper
from itcortex.data.rdms import square as as_matrix
from itcortex.errors import UserError
from made.rdms import ATTRIBUTES, ids, square, write_published

N = 9
SESSIONS = [f"hIT | {who} | Session: {k}" for who in ("BE", "KO") for k in (1, 2)]


@pytest.fixture
def published(rng, tmp_path):
    """A made file, and what is in it."""
    images = rng.integers(0, 256, (N, 20, 20, 3), dtype=np.uint8)
    groups = {name: rng.random(N * (N - 1) // 2) for name in ("mIT_674neurons", "hIT")}
    sessions = {name: rng.random(N * (N - 1) // 2) for name in SESSIONS}
    write_published(tmp_path / "made.mat", images, groups, sessions)
    return tmp_path / "made.mat", images, groups, sessions


# --- order of pairs -------------------------------------------------------------------------------


def test_pairs_are_the_upper_triangle_row_by_row(rng):
    pairs = rng.random(10)
    matrix = as_matrix(pairs)
    np.testing.assert_array_equal(matrix, square(pairs))
    assert (matrix[0, 2], matrix[1, 2], matrix[3, 1]) == (pairs[1], pairs[4], pairs[5])
    np.testing.assert_array_equal(upper(matrix), pairs)
    with pytest.raises(UserError, match="9 dissimilarities are no whole triangle"):
        n_images_of(9)


def test_triangles_and_matrices_are_read_into_one_order(published):
    path, _, groups, sessions = published
    read = kriegeskorte.read_rdms(path, "RDMs", [], {})
    assert read.subjects == ("BE", "BE", "KO", "KO")
    # matrices are published as float32: 24 bits
    np.testing.assert_allclose(read.values, list(sessions.values()), rtol=2**-24)
    one = kriegeskorte.read_rdms(path, "RDMs_mIT_hIT_fig1", ["hIT"], {})
    np.testing.assert_array_equal(one.values, [groups["hIT"]])
    assert one.subjects == ("hIT",)
    assert one.image_ids == read.image_ids == ids(N)


def test_sessions_of_a_subject_are_averaged(published):
    path, _, _, sessions = published
    names, values = kriegeskorte.read_rdms(
        path, "RDMs", [SESSIONS[3], *SESSIONS[:2]], {}
    ).by_subject()
    assert names == ("KO", "BE")
    expected = [sessions[SESSIONS[3]], (sessions[SESSIONS[0]] + sessions[SESSIONS[1]]) / 2]
    np.testing.assert_allclose(values, expected, rtol=2**-23)


def test_images_may_be_reordered_and_left_out(rng):
    rdms = Rdms(rng.random((2, 45)), ids(10), ("a", "b"), {"area": "IT"})
    names = tuple(rng.permutation(ids(10))[:8])
    some = rdms.of_images(names)
    for k, pairs in enumerate(some.values):
        for i, j in zip(*np.triu_indices(8, 1), strict=True):
            places = [ids(10).index(names[m]) for m in (i, j)]
            assert as_matrix(pairs)[i, j] == as_matrix(rdms.values[k])[tuple(places)]
    assert (some.image_ids, some.subjects, some.attributes) == (names, ("a", "b"), {"area": "IT"})
    with pytest.raises(UserError, match="no images \\['sofa'\\]"):
        rdms.of_images(("sofa", *ids(9)))


# --- what is refused ------------------------------------------------------------------------------


def test_twins_become_one_image_with_their_mean_dissimilarity(rng):
    names = tuple(f"i{k}" for k in range(11))
    pictures = {name: {"i4": "i1", "i9": "i1"}.get(name, name) for name in names}
    kinds = {name: "face" if name in ("i0", "i1") else "place" for name in names}
    rdms = Rdms(rng.random((2, 55)), names, ("s", "t"), {"area": "IT"})
    found = rdms.with_images(pictures, kinds)
    assert found.image_ids == tuple(n for n in names if n not in ("i4", "i9"))
    assert found.kinds == ("face", "face", *["place"] * 7)
    before, after = (as_matrix(one.values[1]) for one in (rdms, found))
    keep = [0, 2, 3, 5, 6, 7, 8, 10]
    np.testing.assert_allclose(np.delete(after[1], 1), before[[1, 4, 9]][:, keep].mean(0))
    others = np.delete(np.delete(after, 1, 0), 1, 1)
    np.testing.assert_allclose(others, before[np.ix_(keep, keep)], atol=1e-15)
    assert found.of_images(found.image_ids[::-1]).kinds == found.kinds[::-1]
    same = rdms.with_images(dict(zip(names, names, strict=True)), dict.fromkeys(names, "all"))
    assert same.attributes == {"area": "IT"} and same.kinds == ("all",) * 11
    np.testing.assert_array_equal(same.values, rdms.values)


def test_shapes_and_values_that_cannot_be(rng):
    values = rng.random((1, 36))
    with pytest.raises(UserError, match=r"shape \(2, 36\).*got \(1, 36\)"):
        Rdms(values, ids(9), ("a", "b"))
    with pytest.raises(UserError, match="9 images \\(8 different names\\)"):
        Rdms(values, (*ids(8), "object-01"), ("a",))
    with pytest.raises(UserError, match="at least 8 images; got 7"):
        Rdms(values[:, :21], ids(7), ("a",))
    values[0, [3, 5]] = np.nan, np.inf
    with pytest.raises(UserError, match="subject 'a': 2 of 36 dissimilarities are not finite"):
        Rdms(values, ids(9), ("a",))


def test_files_that_hold_something_else(published, rng, tmp_path):
    path = published[0]
    read = kriegeskorte.read_rdms
    with pytest.raises(UserError, match=r"no variable 'RDM'; did you mean 'RDMs'"):
        read(path, "RDM", [], {})
    with pytest.raises(UserError, match="no RDM 'mIT'; did you mean 'hIT'"):
        read(path, "RDMs_mIT_hIT_fig1", ["mIT"], {})
    with pytest.raises(
        UserError, match="'categoryVectors' is no struct array with a field 'RDM'; use"
    ):
        read(path, "categoryVectors", [], {})
    with pytest.raises(
        UserError, match="no struct array with a field 'image'; use 'stimuli_92objs'"
    ):
        kriegeskorte.read_images(path, "RDMs")
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "none.mat", "RDMs", [], {})
    damaged = tmp_path / "damaged.mat"
    whole = path.read_bytes()
    for content in (b"", b"no matrix", whole[: len(whole) // 2]):
        damaged.write_bytes(content)
        with pytest.raises(UserError, match=r"damaged\.mat: not a readable MATLAB version 5 file"):
            read(damaged, "RDMs", [], {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m + np.triu(np.ones_like(m)), "not a symmetric matrix"),
        (lambda m: m + np.eye(len(m)) / 4, "differs from itself by 0.25"),
        (lambda m: m[:, :5], "not a symmetric matrix"),
        (lambda m: np.where(np.eye(len(m), k=1) > 0, np.nan, m), "of its .* values are not finite"),
        (lambda m: m[:1, :7], "7 dissimilarities are no whole triangle"),
    ],
)
def test_matrices_that_are_no_rdm(rng, tmp_path, change, message):
    element = {"RDM": change(square(rng.random(36))), "name": "a"}
    array = np.empty((1, 1), dtype=[("RDM", object), ("name", object)])
    array[0, 0] = tuple(element.values())
    savemat(tmp_path / "a.mat", {"RDMs": array})
    with pytest.raises(UserError, match=message):
        kriegeskorte.read_rdms(tmp_path / "a.mat", "RDMs", [], {})


def test_images_of_several_sizes_need_a_size(rng, tmp_path):
    images = [rng.integers(0, 256, (side, 20, 3), dtype=np.uint8) for side in (20, 30)]
    pairs = {"a": rng.random(36), "b": rng.random(36)}
    write_published(tmp_path / "a.mat", images, pairs, pairs)
    with pytest.raises(UserError, match=r"2 sizes.*\(20, 20\), \(30, 20\).*size_px"):
        kriegeskorte.read_images(tmp_path / "a.mat", "stimuli_92objs")
    both = kriegeskorte.read_images(tmp_path / "a.mat", "stimuli_92objs", size_px=16)
    assert both.images.shape == (2, 16, 16, 3)
    expected = Image.fromarray(images[1]).resize((16, 16), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(both.images[1], expected)
    grey = [rng.integers(0, 256, (20, 20), dtype=np.uint8)] * 2
    write_published(tmp_path / "b.mat", grey, pairs, pairs)
    with pytest.raises(UserError, match=r"element 1: not an image .* \(20, 20\)"):
        kriegeskorte.read_images(tmp_path / "b.mat", "stimuli_92objs")


# --- scripts and files ----------------------------------------------------------------------------


def test_scripts_write_what_was_read(published, tmp_path):
    path, images, groups, _ = published
    prepare_stimuli.main(path, tmp_path / "s.h5", "stimuli_92objs", None, "kriegeskorte2008")
    stimuli = store.read_stimuli(tmp_path / "s.h5")
    np.testing.assert_array_equal(stimuli.images, images)
    label_images.main(tmp_path / "s.h5", [], tmp_path / "s.parquet", {})
    entry = {
        "dataset": "it92",
        "file": "made.mat",
        "format": "kriegeskorte2008",
        "options": {"variable": "RDMs_mIT_hIT_fig1", "names": ["mIT_674neurons"]},
        "attributes": ATTRIBUTES,
    }
    prepare_rdms.main(path, tmp_path / "s.parquet", tmp_path / "r.h5", entry)
    read = store.read_rdms(tmp_path / "r.h5")
    np.testing.assert_array_equal(read.values, [groups["mIT_674neurons"]])
    assert read.attributes == ATTRIBUTES | {"source": "it92/made.mat"}
    assert read.image_ids == stimuli.image_ids
    first = (tmp_path / "r.h5").read_bytes()
    prepare_rdms.main(path, tmp_path / "s.parquet", tmp_path / "r.h5", entry)
    assert (tmp_path / "r.h5").read_bytes() == first
    with pytest.raises(UserError, match=r"s\.h5: holds 'stimuli', not 'rdms'"):
        store.read_rdms(tmp_path / "s.h5")
    labels = store.read_table(tmp_path / "s.parquet")
    for other in (labels[:-1], pd.concat([labels, labels[:1].assign(image="more")])):
        store.write_table(tmp_path / "other.parquet", other)
        with pytest.raises(
            UserError, match=r"it92/made\.mat: the RDM is of \d+ images .* stimuli are"
        ):
            prepare_rdms.main(path, tmp_path / "other.parquet", tmp_path / "r.h5", entry)


# --- the published data ---------------------------------------------------------------------------


def test_published_order_of_pairs(shared):
    """Two files, one with triangles and one with matrices, and the images' own category flags."""
    folder = shared / "data" / "it92_kriegeskorte2008"
    main = folder / "Kriegeskorte_Neuron2008_supplementalData.mat"
    both = kriegeskorte.read_rdms(main, "RDMs_mIT_hIT_fig1", [], {})
    subjects = kriegeskorte.read_rdms(folder / "92_brainRDMs.mat", "RDMs", [], {})
    assert subjects.by_subject()[0] == ("BE", "KO", "SN", "TI")
    # the group's triangle is, up to scale, the mean of all matrices
    assert np.corrcoef(both.values[1], subjects.values.mean(0))[0, 1] > 1 - 1e-12
    flags = loadmat(main)["stimuli_92objs"].ravel()
    face = np.array([int(one["face"][0, 0]) for one in flags], bool)
    monkey, off = as_matrix(both.values[0]), ~np.eye(92, dtype=bool)
    within, across = monkey[np.outer(face, face) & off].mean(), monkey[np.outer(face, ~face)].mean()
    assert within == pytest.approx(0.816, abs=5e-4)
    assert across == pytest.approx(1.026, abs=5e-4)
    lower = np.zeros((92, 92))
    lower[np.tril_indices(92, -1)] = both.values[0]  # the other order: no categories to be seen
    assert abs((lower + lower.T)[np.outer(face, face) & off].mean() - 1) < 0.02


def test_published_images(shared):
    main = shared / "data/it92_kriegeskorte2008/Kriegeskorte_Neuron2008_supplementalData.mat"
    stimuli = kriegeskorte.read_images(main, "stimuli_92objs")
    assert stimuli.images.shape == (92, 175, 175, 3)
    assert (stimuli.image_ids[0], stimuli.image_ids[91]) == ("object-01", "object-92")
    np.testing.assert_array_equal(stimuli.images[:, 0, 0].min(0), 128)  # on mid grey
