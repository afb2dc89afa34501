"""Tar archives of labelled images: what is read from them, by offset, and what is refused."""

import io
import pickle
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from itcortex.data.published import clickme
from itcortex.errors import UserError
from itcortex.formats.tars import packed_files, read_at
from itcortex.networks.preprocessing import Preprocessing
from itcortex.training.batches import Augmented, Mixture, Steps, load_batches
from itcortex.training.images.samples import Joined, require_labels
from itcortex.training.images.sources import open_samples, require_same_classes
from itcortex.training.recipe import Recipe
from made.training import CLASSES, blobs, png

pytestmark = [pytest.mark.network, pytest.mark.process]

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
WHOLE = "archive, so that it is made or downloaded anew"


def pack(path, files, kind="pax", **about) -> Path:
    """A tar archive of files {name: content}; `about` sets what else their headers say."""
    with tarfile.open(path, "w", format=FORMATS[kind]) as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            for key, value in about.items():
                setattr(header, key, value)
            archive.addfile(header, io.BytesIO(content))
    return Path(path)


def webdataset(count, seed=0, mapped=True) -> dict[str, bytes]:
    """Files of made samples: image, label, and maybe the human map."""
    images, labels, maps = blobs(count, seed)
    files = {}
    for n in range(count):
        files[f"{n:06}.cls"] = f"{labels[n]}\n".encode()
        files[f"{n:06}.png"] = png(images[n])
        if mapped:
            files[f"{n:06}.map.png"] = png((255 * maps[n]).astype(np.uint8))
    return files


def found(path) -> dict[str, bytes]:
    """Every file of an archive as it is read by its offset."""
    with path.open("rb") as handle:
        places = list(packed_files(handle, path))
        return {m.name: read_at(handle, m.offset, m.size) for m in places}


PIXEL = png(np.zeros((4, 6, 3), np.uint8))


# --- members --------------------------------------------------------------------------------------

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\:"), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.lists(NAMES, min_size=1, max_size=6).map("/".join), st.binary(max_size=1500)
    ),
    st.sampled_from(sorted(FORMATS)),
)
def test_all_files_are_found_as_the_standard_library_finds_them(tmp_path_factory, files, kind):
    """Oracle: tarfile; long and foreign names need extended headers, of two kinds."""
    path = tmp_path_factory.mktemp("tar") / "a.tar"
    hidden = (".", "__MACOSX")
    safe = {
        name: content
        for name, content in files.items()
        if not any(p.startswith(hidden[0]) or p == hidden[1] for p in name.split("/"))
        and not name.endswith(".tar")
        and (kind != "ustar" or (name.isascii() and len(name) < 100))
    }
    pack(path, safe, kind, mtime=1.5 if kind == "pax" else 1)
    with tarfile.open(path) as archive:
        wanted = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
    assert found(path) == wanted and len(wanted) == len(safe)


def test_folders_and_files_that_are_nobodys_are_left_out(tmp_path):
    folder = tmp_path / "in"
    for name in ("a/x.png", "a/._x.png", "__MACOSX/a/x.png", ".DS_Store"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(folder, ".")
    assert found(tmp_path / "a.tar") == {"a/x.png": b"a/x.png"}


@pytest.mark.parametrize(
    ("name", "about", "message"),
    [
        ("/etc/x.png", {}, "points outside"),
        ("a/../../x.png", {}, "points outside"),
        ("..\\x.png", {}, "points outside"),
        ("C:/x.png", {}, "points outside"),
        ("x.png", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is a symbolic link"),
        ("x.png", {"type": tarfile.LNKTYPE, "linkname": "y.png"}, "is a hard link"),
        ("x.png", {"type": tarfile.CHRTYPE}, "is a device"),
        ("x.png", {"type": tarfile.FIFOTYPE}, "is a pipe"),
        ("x.png", {"type": b"Z"}, "is of the unknown type b'Z'"),
    ],
)
def test_members_that_are_no_plain_files_inside_are_refused(tmp_path, name, about, message):
    path = pack(tmp_path / "bad.tar", {"fine.png": PIXEL, name: b""}, **about)
    with pytest.raises(UserError, match=r"bad\.tar: member ") as error:
        found(path)
    assert message in str(error.value)


def test_a_name_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("Bär/x.png"))
    with pytest.raises(
        UserError, match=r"a\.tar: the name of member 'B.udce4r/x\.png' is not UTF-8"
    ):
        found(path)


def test_sparse_files_are_refused(tmp_path):
    path = pack(tmp_path / "a.tar", {"x.png": PIXEL}, pax_headers={"GNU.sparse.major": "1"})
    with pytest.raises(UserError, match=r"a\.tar: the member after byte \d+ is a sparse file"):
        found(path)


def test_a_member_over_the_limit_is_refused(tmp_path):
    path = pack(tmp_path / "a.tar", {"big.png": bytes(5000)})
    with path.open("rb") as handle:
        assert len(list(packed_files(handle, path, limit_bytes=5000))) == 1
        with pytest.raises(UserError, match=r"'big\.png' has 0\.0 MB, over the limit of 0\.0 MB"):
            list(packed_files(handle, path, limit_bytes=4999))


def test_an_extended_header_is_not_read_at_any_size(tmp_path):
    """A header that says 3 GB, in a file that is really so large (a hole on the disk)."""
    header = tarfile.TarInfo("long")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 3 * 2**30
    path = tmp_path / "a.tar"
    with path.open("wb") as handle:
        handle.write(header.tobuf(tarfile.GNU_FORMAT))
        handle.truncate(4 * 2**30)
    with pytest.raises(UserError, match=r"'long' has 3,221\.2 MB, over the limit of 1\.0 MB"):
        found(path)


@pytest.mark.parametrize("size", [b"-0000000001\0", b"\xff" * 12])
def test_a_size_below_nothing_is_refused(tmp_path, size):
    """Older standard libraries went round in circles (CVE-2025-8194)."""
    block = bytearray(tarfile.TarInfo("x.png").tobuf(tarfile.GNU_FORMAT))
    block[124:136] = size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(block) + bytes(10240))
    with pytest.raises(UserError, match=r"a\.tar: .*(has a size of -\d+ bytes|no header)"):
        found(path)


@pytest.mark.parametrize(
    "record", [b"0 path=x\n", b"-3 path=x\n", b"99 path=x\n", b"path\n", b"6 path"]
)
def test_a_damaged_extended_header_is_refused(tmp_path, record):
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, len(record)
    path = tmp_path / "a.tar"
    path.write_bytes(header.tobuf() + record.ljust(512, b"\0") + bytes(10240))
    with pytest.raises(UserError, match=r"a\.tar: damaged extended header at byte 512"):
        found(path)


def test_a_compressed_archive_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    path.write_bytes(path.read_bytes() + bytes(600))
    with pytest.raises(
        UserError, match=r"a\.tar: no header .* has to be unpacked to a plain \.tar"
    ):
        open_samples([path], tmp_path)


# --- cut and damaged ------------------------------------------------------------------------------


def test_an_archive_cut_anywhere_is_named_with_its_member(tmp_path):
    """Every place of a small one: also between members, where the standard library says nothing."""
    whole = pack(tmp_path / "whole.tar", {"a/0.png": bytes(700), "b/1.png": bytes(30)}, "ustar")
    content = whole.read_bytes()
    assert found(whole) == {"a/0.png": bytes(700), "b/1.png": bytes(30)}
    end = 512 + 1024 + 512 + 512  # of the last member, padded
    path = tmp_path / "cut.tar"
    for length in [*range(0, end + 512, 100), 512, 1536, 2048, end]:
        path.write_bytes(content[:length])
        with pytest.raises(UserError, match=r"cut\.tar: cut off ") as error:
            found(path)
        message = str(error.value)
        assert WHOLE in message
        if 512 <= length < 512 + 700:
            assert "in the middle of member 'a/0.png' (700 bytes from byte 512" in message
        elif 512 + 1024 <= length < 2048:
            assert "after member 'a/0.png'" in message
    path.write_bytes(content[: end + 512])  # one block of the end mark is enough
    assert len(found(path)) == 2


def test_damage_in_a_header_is_not_taken_for_the_end(tmp_path):
    path = pack(tmp_path / "bad.tar", {"a/0.png": bytes(700), "b/1.png": bytes(30)}, "ustar")
    content = bytearray(path.read_bytes())
    content[1536 + 3] ^= 1  # the name of b/1.png
    path.write_bytes(content)
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["a/0.png"]  # why it is not left to the standard library
    with pytest.raises(
        UserError, match=r"bad\.tar: no header .* byte 1536, after member 'a/0\.png'"
    ):
        found(path)


def test_joined_archives_do_not_lose_the_second(tmp_path):
    one, two = (pack(tmp_path / f"{n}.tar", {f"{n}.png": PIXEL}) for n in "ab")
    path = tmp_path / "both.tar"
    path.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(UserError, match=r"both\.tar: goes on after its end mark, .*'a\.png'"):
        found(path)


def test_an_archive_that_is_cut_off_later_is_named_when_it_is_read(tmp_path):
    path = pack(tmp_path / "a.tar", webdataset(3))
    samples = open_samples([path], tmp_path / "scratch")
    with path.open("rb+") as handle:
        handle.truncate(int(samples.parts[0].places[2, 0]) + 50)
    samples.read(1)
    with pytest.raises(UserError, match=r"a\.tar: 000002\.png: has 50 of its \d+ bytes"):
        samples.read(2)
    path.unlink()
    with pytest.raises(UserError, match=r"a\.tar: 000000\.png: cannot be read"):
        samples.read(0)


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_a_webdataset_reads_as_what_it_was_made_of(tmp_path, kind):
    images, labels, maps = blobs(5)
    files = list(webdataset(5).items())
    random.Random(0).shuffle(files)  # the files of a sample need not lie together
    path = pack(tmp_path / "a.tar", dict(files), kind)
    samples = open_samples([path], tmp_path / "scratch")
    assert samples.mapped.all() and len(samples.labels) == 5
    for index in range(5):
        sample = samples.read(index)
        number = int(sample.image_id.removeprefix("a.tar:").removesuffix(".png"))
        assert sample.label == samples.labels[index] == labels[number]
        np.testing.assert_array_equal(np.asarray(sample.image), images[number])
        np.testing.assert_array_equal(sample.human_map, np.uint8(255 * maps[number]))


def test_files_that_training_does_not_need_and_samples_without_a_map(tmp_path):
    path = pack(
        tmp_path / "a.tar",
        {
            "s/1.jpg": PIXEL,
            "s/1.cls": b"2",
            "s/1.txt": b"a cat",
            "s/2.cls": b"1",
            "s/2.JPEG": PIXEL,
            "s/2.json": b'{"label": 7, "width": 6}',
            "s/2.depth.png": png(np.zeros((4, 6), np.uint8)),
            "s/2.map.png": png(np.eye(4, 6, dtype=np.uint8)),
            "s/1.map.txt": b"none",
        },
    )
    samples = open_samples([path], tmp_path)
    assert samples.labels.tolist() == [2, 1] and samples.mapped.tolist() == [False, True]
    assert samples.read(0).human_map is None
    np.testing.assert_array_equal(samples.read(1).human_map, np.eye(4, 6))


def test_clickme_maps_get_the_authors_processing(tmp_path, rng):
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(256, size=(256, 256), dtype=np.uint8)).save(buffer, "JPEG")
    content = buffer.getvalue()
    files = {"0.cls": b"0", "0.png": PIXEL, "0.heatmap.jpg": content}
    sample = open_samples([pack(tmp_path / "a.tar", files)], tmp_path).read(0)
    wanted = clickme.human_maps(clickme.jpeg_pixels(content, "heatmap")[None])[0]
    np.testing.assert_array_equal(sample.human_map, wanted)
    small = files | {"0.heatmap.jpg": png(np.zeros((9, 9), np.uint8))}
    with pytest.raises(
        UserError, match=r"b\.tar: 0\.png: heatmap is .*call a map that is no ClickMe"
    ):
        open_samples([pack(tmp_path / "b.tar", small)], tmp_path).read(0)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"0.cls": b"one", "0.png": PIXEL}, r"0\.cls: b'one' is no label"),
        ({"0.cls": b"1.5", "0.png": PIXEL}, r"0\.cls: b'1\.5' is no label"),
        ({"0.cls": b"9" * 30, "0.png": PIXEL}, r"0\.cls: 9+ is no label"),
        ({"0.cls": bytes(2**20 + 1), "0.png": PIXEL}, r"0\.cls: has 1\.0 MB; a label is a number"),
        ({"0.cls": b"1", "0.png": PIXEL, "1.png": PIXEL}, r"1\.png has no label, as others have"),
        ({"0.cls": b"1", "0.png": PIXEL, "1.cls": b"1"}, "'1' has a label and no image"),
        ({"0.cls": b"1", "0.png": PIXEL, "1.map.png": PIXEL}, "'1' has a human map and no image"),
        ({"0.cls": b"1", "0.png": PIXEL, "0.jpg": PIXEL}, "'0' has two images or maps, the second"),
        ({"0.png": PIXEL}, r"0\.png has no label: no image has a KEY\.cls"),
        ({"0.cls": b"1", "0.webp": b""}, "holds no image"),
        ({}, "holds no image"),
        ({"a/b.tar": bytes(10)}, "cut off before its first member"),
    ],
)
def test_samples_that_are_not_whole_are_refused_by_name(tmp_path, files, message):
    path = pack(tmp_path / "bad.tar", files)
    with pytest.raises(UserError, match=rf"bad\.tar: {message}"):
        open_samples([path], tmp_path)


def test_labels_out_of_range_are_named(tmp_path):
    path = pack(tmp_path / "a.tar", {"0.cls": b"-1", "0.png": PIXEL})
    with pytest.raises(
        UserError, match=r"1 labels are out of range, the first -1 of a\.tar:0\.png"
    ):
        require_labels(open_samples([path], tmp_path), CLASSES, "labelled")


def test_an_image_that_does_not_decode_is_named(tmp_path):
    path = pack(tmp_path / "a.tar", {"0.cls": b"0", "0.png": PIXEL[:40]})
    with pytest.raises(UserError, match=r"a\.tar: 0\.png: not a readable image"):
        open_samples([path], tmp_path).read(0)


# --- class folders --------------------------------------------------------------------------------


def shades(names) -> dict[str, bytes]:
    """One image a name, each of a grey of its own."""
    return {name: png(np.full((4, 6, 3), n, np.uint8)) for n, name in enumerate(names)}


IMAGENET = ["n02/n02_9.JPEG", "n02/n02_1.JPEG", "n01/n01_4.v2.JPEG"]


@pytest.mark.parametrize("top", ["", "./", "ILSVRC/Data/CLS-LOC/train/"])
def test_folders_inside_an_archive_are_classes(tmp_path, top):
    files = {f"{top}{name}": content for name, content in shades(IMAGENET).items()}
    path = pack(tmp_path / "train.tar", files | {f"{top}readme.txt": b"ImageNet"})
    samples = open_samples([path], tmp_path)
    assert samples.labels.tolist() == [1, 1, 0] and not samples.mapped.any()
    assert [np.asarray(samples.read(n).image)[0, 0, 0] for n in range(3)] == [0, 1, 2]
    assert samples.read(2).image_id == f"train.tar:{top.removeprefix('./')}n01/n01_4.v2.JPEG"


def test_archives_of_classes_inside_an_archive_are_classes(tmp_path):
    """As ImageNet is published: ILSVRC2012_img_train.tar."""
    inner = {}
    for name, content in shades(IMAGENET).items():
        inner.setdefault(name.split("/")[0], {})[name.split("/")[1]] = content
    packed = {
        f"{folder}.tar": pack(tmp_path / "inner.tar", files).read_bytes()
        for folder, files in inner.items()
    }
    nested = open_samples([pack(tmp_path / "nested.tar", packed)], tmp_path)
    flat = open_samples([pack(tmp_path / "flat.tar", shades(IMAGENET))], tmp_path)
    assert nested.labels.tolist() == flat.labels.tolist() == [1, 1, 0]
    for index in range(3):
        one, other = nested.read(index), flat.read(index)
        assert one.image_id.split(":")[1] == other.image_id.split(":")[1]
        assert np.array_equal(np.asarray(one.image), np.asarray(other.image))


def test_an_inner_archive_that_is_cut_off_is_named_with_its_member(tmp_path):
    inner = pack(tmp_path / "inner.tar", shades(IMAGENET[:2])).read_bytes()
    path = pack(tmp_path / "a.tar", {"n01.tar": inner, "n02.tar": inner[:1024]})
    with pytest.raises(UserError, match=r"a\.tar: cut off after member 'n02/n02_9\.JPEG'"):
        open_samples([path], tmp_path)
    twice = pack(
        tmp_path / "b.tar", {"n.tar": pack(tmp_path / "c.tar", {"n01.tar": inner}).read_bytes()}
    )
    with pytest.raises(
        UserError, match=r"b\.tar: member n/n01\.tar is an archive within an archive"
    ):
        open_samples([twice], tmp_path)


def test_a_class_file_numbers_the_folders_of_an_archive(tmp_path):
    path, classes = pack(tmp_path / "a.tar", shades(IMAGENET)), tmp_path / "classes.txt"
    classes.write_text("n00\nn01\nn02\n")
    assert open_samples([path], tmp_path, classes).labels.tolist() == [2, 2, 1]
    classes.write_text("n00\nn02\n")
    with pytest.raises(UserError, match=r"a\.tar: folder 'n01' is no class of .*classes\.txt"):
        open_samples([path], tmp_path, classes)


def test_folders_that_are_not_the_same_everywhere_give_no_numbers(tmp_path):
    """One archive a class would make every image class 0."""
    paths = [pack(tmp_path / f"{name}.tar", shades([f"{name}/0.png"])) for name in ("n01", "n02")]
    with pytest.raises(UserError, match=r"n02\.tar: its class folders are not those of .*n01\.tar.*"
                       "only one has 'n01'.*lists all classes"):  # fmt: skip
        open_samples(paths, tmp_path)
    one, other = (open_samples([path], tmp_path) for path in paths)
    with pytest.raises(UserError, match="its class folders are not those of"):
        require_same_classes(one, Joined([]), other)
    classes = tmp_path / "classes.txt"
    classes.write_text("n01\nn02\n")
    assert open_samples(paths, tmp_path, classes).labels.tolist() == [0, 1]


# --- the index ------------------------------------------------------------------------------------


def test_headers_are_read_once_and_again_when_the_archive_changes(tmp_path, monkeypatch):
    path, scratch = pack(tmp_path / "a.tar", webdataset(4)), tmp_path / "scratch"
    first = open_samples([path], scratch)
    with monkeypatch.context() as patch:
        patch.setattr(
            "itcortex.training.images.tar_shards.packed_files", None
        )  # headers would fail
        again = open_samples([path], scratch)
    assert again.digest() == first.digest() and len(list(scratch.iterdir())) == 1
    assert again.read(3).image == first.read(3).image
    pack(path, webdataset(5, seed=1))
    assert open_samples([path], scratch).digest() != first.digest()


def test_a_digest_is_of_names_labels_and_sizes(tmp_path):
    files = webdataset(3)
    digests = [
        open_samples([pack(tmp_path / "a.tar", changed, mtime=n)], tmp_path / str(n)).digest()
        for n, changed in enumerate(
            [
                files,
                dict(files),  # other dates are the same archive
                files | {"000001.cls": b"2" if files["000001.cls"] != b"2\n" else b"1"},
                {name.replace("000002", "000009"): content for name, content in files.items()},
                {n: c for n, c in files.items() if n != "000000.map.png"},
            ]
        )
    ]
    assert digests[0] == digests[1] and len(set(digests)) == 4


def test_workers_and_other_processes_read_the_same(tmp_path):
    path = pack(tmp_path / "a.tar", webdataset(12))
    samples = open_samples([path], tmp_path)
    copied = pickle.loads(pickle.dumps(samples))
    look = Preprocessing((3, 16, 16), (0.5,) * 3, (0.25,) * 3, "bilinear")
    recipe = Recipe(batch_size=4, epochs=3, warmup_epochs=0)

    def batches(collection, workers):
        mixture = Mixture(collection, Joined([]), 0.0, 0)
        steps = Steps(mixture, recipe, 0, 1, 0)
        return list(
            load_batches(Augmented(mixture, recipe, look), steps, workers, torch.device("cpu"))
        )

    for one, other in zip(batches(samples, 0), batches(copied, 2), strict=True):
        assert one.images.equal(other.images) and one.maps.equal(other.maps)
        assert one.image_ids == other.image_ids
