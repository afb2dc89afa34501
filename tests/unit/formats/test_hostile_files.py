"""Files from outside that were made to do harm: refused, with nothing run, written or filled by them.

Everything is crafted here. A payload that ran would leave the file `owned` in the working directory.
"""

import io
import os
import pickle
import re
import stat
import struct
import time
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml
from crc32c import crc32c
from PIL import EpsImagePlugin, Image
from pyarrow import parquet
from safetensors.torch import save_file
from scipy.io import savemat

from itcortex import store
from itcortex.data import images, registry, stimuli
from itcortex.data.published import clickme, cowley, kriegeskorte, majajhong, osie
from itcortex.downloads import fetch, pins
from itcortex.downloads.packed import fetch_packed
from itcortex.errors import UserError
from itcortex.formats import matlab, plausible, zips
from itcortex.networks import network
from itcortex.weights import files
from itcortex.workflow.schemas import load_yaml

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = [
    "x; touch owned", "x$(touch owned)", "x`touch owned`", "x' 'y", 'x" y', "../../x", "a/../b",
    "/etc/x", "-x", "x\ny", "x|y", "x&y", "a//b", "", ".x", "x{model}", "x*",
]  # fmt: skip


class Payload:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        """A call of os.system."""
        return os.system, ("touch owned",)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty working directory in which no payload may leave its mark, in a few seconds."""
    monkeypatch.chdir(tmp_path)
    began = time.monotonic()
    yield tmp_path
    assert not list(tmp_path.parent.rglob("owned"))
    assert time.monotonic() - began < 20


def test_the_payload_would_run():
    """The proof that these tests can fail."""
    pickle.loads(pickle.dumps(Payload()))
    assert Path("owned").exists()
    Path("owned").unlink()


# --- zip archives ---------------------------------------------------------------------------------


def zipped(*members, kind=zipfile.ZIP_DEFLATED) -> Path:
    """An archive `a.zip` of (name or ZipInfo, content)."""
    with zipfile.ZipFile("a.zip", "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return Path("a.zip")


@pytest.mark.parametrize("name", ["../owned", "/owned", "a/../../owned", "..\\owned", "C:\\owned"])
def test_a_member_that_leaves_its_folder_is_refused(name):
    with (
        pytest.raises(UserError, match="points outside of the archive's folder"),
        zips.open_archive(zipped((name, "x"))),
    ):
        pass


def test_a_member_that_is_a_link_is_refused():
    link = zipfile.ZipInfo("images/a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with (
        pytest.raises(UserError, match="symbolic link"),
        zips.open_archive(zipped((link, "/etc/passwd"))),
    ):
        pass


def test_a_member_out_of_all_proportion_is_refused():
    path = zipped(("a.mat", bytes(2**27)))
    assert path.stat().st_size < 2**18
    with (
        pytest.raises(UserError, match=r"would expand to 134\.2 MB, more than 200 times"),
        zips.open_archive(path),
    ):
        pass


def test_many_small_members_may_be_dense_and_their_sum_is_limited():
    path = zipped(*((f"{k}.txt", bytes(2**20)) for k in range(8)))
    with zips.open_archive(path) as archive:
        assert archive.read("3.txt") == bytes(2**20)
    with (
        pytest.raises(UserError, match="over the limit"),
        zips.open_archive(path, limit_bytes=2**22),
    ):
        pass


def understated(path: Path, size: int, declared: int) -> Path:
    """The archive with another unpacked size of its members in its directory and headers."""
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", size), struct.pack("<I", declared)))
    return path


def test_a_member_cannot_hold_more_than_it_declares():
    path = understated(zipped(("a.bin", bytes(100_001))), 100_001, 10)
    with zips.open_archive(path) as archive, pytest.raises(UserError, match="is damaged"):
        archive.read("a.bin")


def test_a_download_that_would_unpack_without_end_is_not_read_to_its_end():
    path = zipped(*((f"{k}", bytes(100_001)) for k in range(5)))
    understated(path, 100_001, 2**32 - 2)
    with pytest.raises(ValueError, match=r"would unpack to 21\.5 GB"):
        fetch._check_whole(path, None)


@pytest.mark.parametrize("path", ["../{n}.png", "/tmp/{n}.png", "a/../../{n}.png", "a//{n}.png"])
def test_members_that_are_downloaded_stay_in_their_folder(path):
    with pytest.raises(UserError, match="leads out of the archive's folder"):
        fetch_packed([], "d/a.zip", {"path": path, "numbers": [1, 2]}, None, "lock.yaml")
    assert list(Path().rglob("*")) == []


# --- pickles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("zip_format", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
def test_weights_with_a_payload_are_refused_by_name(suffix, zip_format):
    path = Path(f"w{suffix}")
    torch.save({"a": torch.zeros(2), "b": Payload()}, path,
               _use_new_zipfile_serialization=zip_format)  # fmt: skip
    with pytest.raises(
        UserError, match=r"holds more than tensors \(posix\.system\)|not a readable"
    ):
        files.read(path)


def test_a_checkpoint_that_was_compressed_to_nothing_is_refused():
    torch.save({"a": torch.zeros(2**25)}, "w.pth")
    with (
        zipfile.ZipFile("w.pth") as plain,
        zipfile.ZipFile("b.pth", "w", zipfile.ZIP_DEFLATED) as dense,
    ):
        for member in plain.infolist():
            dense.writestr(member.filename, plain.read(member))
    assert Path("b.pth").stat().st_size < 2**18
    with pytest.raises(UserError, match="more than 200 times as much"):
        files.read(Path("b.pth"))
    assert files.read(Path("w.pth"))["a"].shape == (2**25,)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damage_anywhere_in_weights_is_an_error_of_one_line_or_other_numbers(suffix, rng):
    path, state = Path(f"w{suffix}"), {f"l{k}.weight": torch.ones(3, 4) for k in range(5)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    content, refused = path.read_bytes(), 0
    for place in rng.choice(min(len(content), 1500), 150, replace=False):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            files.read(path)
        except UserError:
            refused += 1
    assert refused > 20  # the rest fell on numbers, names and padding


def test_a_bare_pickle_with_a_weights_name_is_refused():
    Path("w.pth").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UserError, match=r"w\.pth"):
        files.read(Path("w.pth"))


def test_safetensors_cannot_hold_a_pickle_or_point_out_of_the_file():
    for header in (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999]}}', b"{" * 60):
        Path("w.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
        with pytest.raises(UserError, match="not a readable file of weights"):
            files.read(Path("w.safetensors"))
    Path("w.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(UserError, match="not a readable file of weights"):
        files.read(Path("w.safetensors"))
    save_file({"a": torch.ones(2)}, "w.safetensors")
    assert files.read(Path("w.safetensors"))["a"].tolist() == [1, 1]


def test_arrays_of_objects_are_not_unpickled():
    np.save("s.npy", np.array([[Payload()]], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="Object arrays cannot be loaded"):
        cowley.read_cowley("s.npy", {})


def test_an_array_that_claims_more_than_it_has_is_refused():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n"
    Path("s.npy").write_bytes(start + bytes(80))
    with pytest.raises((UserError, MemoryError)):
        cowley.read_cowley("s.npy", {})


def test_a_table_with_a_pickled_type_is_read_without_it():
    about = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Payload()),
    }
    schema = pa.schema([pa.field("a", pa.int64(), metadata=about)])
    parquet.write_table(pa.table([pa.array([1, 2])], schema=schema), "t.parquet")
    assert store.read_table("t.parquet")["a"].tolist() == [1, 2]


# --- YAML -----------------------------------------------------------------------------------------

TAGGED = ["!!python/object/apply:os.system ['touch owned']", "!!python/name:os.system", "!x {a: 1}"]


@pytest.mark.parametrize("text", TAGGED)
def test_tags_of_python_are_refused_in_settings_and_in_the_lock(text):
    Path("a.yaml").write_text(f"a: {text}\n")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        load_yaml("a.yaml")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        pins.read("a.yaml")


def test_the_tag_would_run_with_the_unsafe_loader():
    yaml.unsafe_load(TAGGED[0])
    Path("owned").unlink()


# --- images ---------------------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    """The head of a PNG of this size, with hardly any pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(
            ">I", zlib.crc32(kind + content)
        )  # fmt: skip

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


READERS = {
    "stimuli": lambda content: stimuli.read_images(zipped(("a.png", content))),
    "saliency": lambda content: images.decode_rgb(content, "a.png", "photograph"),
    "clickme": lambda content: clickme.jpeg_pixels(content, "image"),
    "osie": lambda content: osie._inside("a.png", content, "eye", {}),
}
NO_IMAGE = "not a readable|no readable"


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 10_000), (2**31 - 1, 1)])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(reader, size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("decoded"))
    with pytest.raises(ValueError, match=NO_IMAGE):
        reader(png(*size))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_postscript_under_another_name_is_not_run(reader, monkeypatch):
    ran = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *args, **kwargs: ran.append(args))
    content = (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n(owned) (w) file\n"
    )
    Image.open(io.BytesIO(content))  # Pillow would take it
    with pytest.raises(ValueError, match=NO_IMAGE):
        reader(content)
    assert ran == []


# --- MATLAB ---------------------------------------------------------------------------------------


def bomb_v5(name: str) -> bytes:
    """A version 5 file of half a megabyte with a variable of 160 MB."""
    stream = io.BytesIO()
    savemat(stream, {name: np.zeros(2 * 10**7)}, do_compression=True)
    return stream.getvalue()


def test_a_matlab_file_that_inflates_out_of_all_proportion_is_refused():
    content = bomb_v5("fixations")
    assert len(content) < 2**20
    with pytest.raises(UserError, match="more than 200 times as much"):
        matlab.read_variables(content, "a.mat", ["fixations"])
    with pytest.raises(UserError, match="more than 200 times as much"):
        osie.read_fixations(content, "a.mat")
    Path("a.mat").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mat: .* more than 200 times as much"):
        kriegeskorte.read_images("a.mat", "fixations")


def test_compressed_matlab_files_of_data_are_read(rng):
    stream, values = io.BytesIO(), rng.normal(size=(300, 40))
    savemat(stream, {"a": values, "b": np.zeros((1000, 1000))}, do_compression=True)
    read = matlab.read_variables(stream.getvalue(), "a.mat", ["a", "b"])
    assert np.array_equal(read["a"], values)
    assert read["b"].shape == (1000, 1000)


@pytest.mark.parametrize("length", [0, 7, 60, 2**20, 3 * 2**20 + 17])
def test_inflated_bytes_are_counted_to_the_last(length, rng):
    content = rng.bytes(length // 2) + bytes(length - length // 2)
    stream = memoryview(zlib.compress(content) + b"rest")
    assert plausible.inflated_bytes(stream, "a") == length


def test_a_matlab_element_of_impossible_length_is_refused():
    content = bytearray(bomb_v5("a")[:200])
    content[132:136] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(UserError, match=r"a\.mat"):
        matlab.read_variables(bytes(content), "a.mat", ["a"])


# --- HDF5 -----------------------------------------------------------------------------------------


def external_link(handle, name):
    """A link into another file."""
    handle[name] = h5py.ExternalLink("secret.h5", "a")


def soft_link(handle, name):
    """A link to another place."""
    handle[name] = h5py.SoftLink("/other")


def external_values(handle, name):
    """A dataset whose values are the bytes of another file."""
    handle.create_dataset(name, (8, 8), "u1", external=[("secret.txt", 0, 64)])


def virtual_values(handle, name):
    """A dataset that is put together from other files."""
    layout = h5py.VirtualLayout((4, 4), "f8")
    layout[:] = h5py.VirtualSource("secret.h5", "a", shape=(4, 4))
    handle.create_virtual_dataset(name, layout)


def never_written(handle, name):
    """A terabyte that takes no room."""
    handle.create_dataset(name, (2**20, 2**17), "f8", chunks=(1024, 1024))


def zeros(handle, name):
    """256 MB of zeros in less than one."""
    values = handle.create_dataset(name, (2**11, 2**14), "f8", chunks=True, compression=9)
    values[...] = 0


CRAFTED = {
    external_link: "is a link to secret.h5:a",
    soft_link: "is a link to /other",
    external_values: "values of .* are in another file",
    virtual_values: "values of .* are in another file",
    never_written: "would expand to 1,099,511.6 MB",
    zeros: "more than 200 times as much",
}


@pytest.mark.parametrize(("craft", "message"), CRAFTED.items())
def test_hdf5_that_reaches_out_or_blows_up_is_refused(craft, message):
    Path("secret.txt").write_bytes(b"s" * 64)
    with h5py.File("secret.h5", "w") as handle:
        handle["a"] = np.ones((4, 4))
    with h5py.File("a.h5", "w", userblock_size=512) as handle:
        handle["other"] = np.ones((4, 4))
        craft(handle, "imageRF")
    with pytest.raises(UserError, match=message):
        majajhong.read_presentations("a.h5")
    content = bytearray(Path("a.h5").read_bytes())
    content[:10] = b"MATLAB 7.3"
    with pytest.raises(UserError, match=message):
        matlab.read_variables(bytes(content), "a.mat", ["imageRF"])


def test_a_cell_that_points_at_a_bomb_is_refused():
    with h5py.File("a.h5", "w", userblock_size=512) as handle:
        never_written(handle, "#refs#/a")
        cells = handle.create_dataset("names", (1, 1), dtype=h5py.ref_dtype)
        cells[0, 0] = handle["#refs#/a"].ref
    content = b"MATLAB 7.3" + Path("a.h5").read_bytes()[10:]
    with pytest.raises(UserError, match="would expand"):
        matlab.read_variables(content, "a.mat", ["names"])


# --- TFRecords ------------------------------------------------------------------------------------


def record(content: bytes, length: int | None = None) -> bytes:
    """A record with right checksums, whatever length it claims."""

    def masked(piece: bytes) -> bytes:
        crc = crc32c(piece)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    head = struct.pack("<Q", len(content) if length is None else length)
    return head + masked(head) + content + masked(content)


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40])
def test_a_record_that_claims_more_than_the_shard_is_not_allocated(length):
    Path("a.tfrecords").write_bytes(record(b"x" * 100, length))
    with pytest.raises(UserError, match="cut in the middle of a record"):
        clickme.read_shard("a.tfrecords")


def test_a_huge_record_is_passed_over_unread():
    with Path("a.tfrecords").open("wb") as handle:
        handle.write(record(bytes(2**24 + 1)))
        handle.write(record(b"no example"))
    with pytest.raises(
        UserError, match=r"2 places, 0 good records; .* a record of 16,777,217 bytes"
    ):
        clickme.read_shard("a.tfrecords")


def test_a_record_of_deeply_nested_fields_is_a_damaged_one():
    content = b""
    for _ in range(300):
        size, head = len(content), b"\x0a"
        while size >= 128:
            head, size = head + bytes([size % 128 + 128]), size // 128
        content = head + bytes([size]) + content
    Path("a.tfrecords").write_bytes(record(content))
    with pytest.raises(UserError, match="0 good records"):
        clickme.read_shard("a.tfrecords")


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_no_schema_takes_a_hostile_name(name):
    schemas = ROOT / "rules" / "schemas"
    models = yaml.safe_load((schemas / "models.schema.yaml").read_text())["properties"]
    config = yaml.safe_load((schemas / "config.schema.yaml").read_text())["$defs"]
    datasets = yaml.safe_load((schemas / "datasets.schema.yaml").read_text())["$defs"]
    patterns = [models["model"], models["weights"], models["architecture"], config["name"],
                datasets["name"], datasets["file"]]  # fmt: skip
    for pattern in patterns:
        # as ECMA 262 has it, and JSON schema: `$` is the end, not the place before a last newline
        assert not re.search(pattern["pattern"].replace("$", r"\Z"), name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_that_slips_through_the_schema_is_refused(name):
    with pytest.raises(UserError, match="cannot be a name here"):
        registry.require_plain(["resnet50", name], "models.csv: line 3")
    entry = {"datasets": {"d": {"files": {name: {}}}}, "stimuli": {}, "recordings": {}}
    with pytest.raises(UserError, match="cannot be a name here"):
        registry.check_references(entry | {"rdms": {}, "attention": {}}, "datasets.yaml")


def test_a_newline_at_the_end_is_no_part_of_a_name():
    """Python's `$`, and so the schemas', lets one pass."""
    with pytest.raises(UserError, match="cannot be a name here"):
        registry.require_plain(["resnet50\n"], "models.csv: line 3")


def test_names_that_are_in_use_are_plain():
    names = [
        "vit_tiny_patch16_224",
        "harmonized/strength-0.1/seed-3",
        "train-12.tfrecords",
        "a.b-c",
    ]
    assert registry.require_plain(names, "") is None


def test_a_builder_is_no_way_to_pythons_own_functions():
    for builder in ("os:system", "subprocess:getoutput", "builtins:exec", "shutil:rmtree"):
        with pytest.raises(UserError, match="is of Python itself"):
            network.Network("x", builder, {"command": "touch owned"}).build()


def test_no_rule_has_a_command_line():
    """Values of tables reach scripts as Python objects; no shell sees them."""
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/**/*.smk")]:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"^\s*(?:shell|run|wrapper|notebook|cwl)\s*:", text, re.MULTILINE), (
            path
        )
        assert not re.findall(r"\b(?:os\.system|subprocess|shell)\s*[.(]", text), path


def test_no_module_runs_what_it_reads():
    """`eval` and unsafe loaders have no place here; processes are started without a shell."""
    unsafe = (
        r"\beval\(|\bexec\(|os\.system|shell=True|allow_pickle=True|(?<!['(])weights_only=False"
        r"|pickle\.loads?\(|yaml\.(?:unsafe_|full_)?load\(|extractall\("
    )
    for path in [*ROOT.glob("scripts/**/*.py"), *ROOT.glob("envs/*.py")]:
        code = re.sub(r"\.eval\(\)", "", path.read_text(encoding="utf-8"))
        found = [line for line in code.splitlines() if re.search(unsafe, line)]
        assert [line for line in found if not line.lstrip().startswith(('"', "#"))] == [], path
