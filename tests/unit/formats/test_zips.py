"""Zip archives: safe paths, damage, bombs, one optional top folder."""

import io
import stat
import unicodedata
import zipfile

import pytest

from itcortex.errors import UserError
from itcortex.formats.zips import add_file, open_archive

FILES = {"George/data.mat": b"1", "George/images/a.png": b"2", "George/images/b.png": b"3"}


def pack(path, files):
    """Write a zip of {member: bytes}."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as handle:
        for name, content in files.items():
            handle.writestr(name, content)
    return path


@pytest.mark.parametrize("top", ["", "Arcaro2020/"])
@pytest.mark.parametrize("extra", [{}, {"README.txt": b"read me"}])
def test_files_are_found_with_and_without_a_top_folder(tmp_path, top, extra):
    path = pack(
        tmp_path / "a.zip", {top + name: content for name, content in FILES.items()} | extra
    )
    with open_archive(path) as archive:
        assert archive.read("George/data.mat") == b"1"
        assert archive.files("George/images") == {
            "a.png": f"{top}George/images/a.png",
            "b.png": f"{top}George/images/b.png",
        }
        assert list(archive.files("George/")) == ["data.mat"]


def test_top_level_files_are_the_folder_with_an_empty_name(tmp_path):
    with open_archive(pack(tmp_path / "flat.zip", {"b.jpg": b"", "a.jpg": b""})) as archive:
        assert list(archive.files("")) == ["a.jpg", "b.jpg"]
    with open_archive(pack(tmp_path / "top.zip", {"x/b.jpg": b"", "x/a.jpg": b""})) as archive:
        assert list(archive.files("").values()) == ["x/a.jpg", "x/b.jpg"]


def test_shadow_files_of_macos_and_dot_files_are_ignored(tmp_path):
    junk = {"__MACOSX/George/._data.mat": b"", "George/.DS_Store": b"", "George/images/": b""}
    with open_archive(pack(tmp_path / "a.zip", FILES | junk)) as archive:
        assert archive.names == sorted(FILES)


def without_utf8_flag(path, name: bytes):
    """A zip of one file whose name is these bytes, as the Finder packs it: it does not say UTF-8."""
    placeholder = ("x" * len(name)).encode()
    content = pack(path, {placeholder.decode(): b"1"}).read_bytes()
    assert content.count(placeholder) == 2  # before the file, and in the directory at the end
    path.write_bytes(content.replace(placeholder, name))
    return path


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("set/café.png".encode(), "set/café.png"),
        (unicodedata.normalize("NFD", "set/ü 日.png").encode(), "set/ü 日.png"),
        ("set/é.png".encode("cp437"), "set/é.png"),  # by the code page, as Windows packs it
        (b"set/plain.png", "set/plain.png"),
    ],
)
def test_names_of_zips_without_the_utf8_flag(tmp_path, stored, read):
    with open_archive(without_utf8_flag(tmp_path / "a.zip", stored)) as archive:
        assert archive.names == [read]
        assert archive.read(read) == archive.read(unicodedata.normalize("NFD", read)) == b"1"


def test_accents_taken_apart_are_the_same_name(tmp_path):
    split = unicodedata.normalize("NFD", "set/é.png")
    with open_archive(pack(tmp_path / "a.zip", {split: b"1"})) as archive:
        assert archive.files("set") == {"é.png": "set/é.png"}
    with (
        pytest.raises(UserError, match="twice"),
        open_archive(pack(tmp_path / "b.zip", {split: b"1", "set/é.png": b"2"})),
    ):
        pass


def test_backslashes_separate_folders(tmp_path):
    with open_archive(pack(tmp_path / "a.zip", {"George\\images\\a.png": b"2"})) as archive:
        assert archive.read("George/images/a.png") == b"2"


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "George/../../evil",
        "/evil",
        "C:/evil",
        "C:\\evil",
        "..\\evil",
        "\\\\host\\evil",
    ],
)
def test_a_member_that_leaves_its_folder_is_refused(tmp_path, name):
    (tmp_path / "in").mkdir()
    path = pack(tmp_path / "in" / "a.zip", FILES | {name: b"x"})
    with pytest.raises(UserError, match=r"a\.zip.*evil.*outside"), open_archive(path):
        pass
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "a.zip"]


def test_a_symbolic_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("George/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as handle:
        handle.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match=r"George/link.*symbolic link"):
        open_archive(tmp_path / "a.zip").__enter__()


def test_an_encrypted_member_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"secret": b"x"})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"secret.*encrypted"):
        open_archive(path).__enter__()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as handle:
        handle.writestr("a", "1")
        handle.writestr("a", "2")
    with pytest.raises(UserError, match="'a' twice"):
        open_archive(tmp_path / "a.zip").__enter__()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_truncated_archive_is_named_with_its_remedy(tmp_path, share):
    path = pack(tmp_path / "recordings.zip", {"a": bytes(range(256)) * 40})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=r"recordings\.zip: not a whole zip.*delete the file"):
        open_archive(path).__enter__()


def test_a_damaged_member_is_named(tmp_path, rng):
    path = pack(tmp_path / "a.zip", {"whole": b"1", "broken": rng.bytes(5000)})
    content = bytearray(path.read_bytes())
    content[3000] ^= 255
    path.write_bytes(content)
    with open_archive(path) as archive:
        assert archive.read("whole") == b"1"
        with pytest.raises(UserError, match=r"a\.zip: 'broken' is damaged.*run again"):
            archive.read("broken")


def test_a_zip_bomb_is_refused_by_its_total_size(tmp_path):
    path = pack(tmp_path / "bomb.zip", {str(i): bytes(10**6) for i in range(4)})
    assert path.stat().st_size < 10**5
    with pytest.raises(
        UserError, match=r"bomb\.zip: would unpack to 4\.0 MB, over the limit of 3\.9"
    ):
        open_archive(path, limit_bytes=3_900_000).__enter__()
    with open_archive(path, limit_bytes=4_000_000) as archive:
        assert len(archive.read("0")) == 10**6


def test_a_member_out_of_all_proportion_is_refused(tmp_path):
    path = pack(tmp_path / "bomb.zip", {"a.mat": bytes(2**27)})
    assert path.stat().st_size < 2**18
    with pytest.raises(UserError, match=r"would expand to 134\.2 MB, more than 200 times"):
        open_archive(path).__enter__()


def test_a_member_cannot_unpack_to_more_than_it_declares(tmp_path):
    path = pack(tmp_path / "liar.zip", {"a": bytes(10**6)})
    declared = (1000).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace((10**6).to_bytes(4, "little"), declared))
    with (
        open_archive(path, limit_bytes=2000) as archive,
        pytest.raises(UserError, match="'a' is damaged"),
    ):
        archive.read("a")


def test_what_is_not_there_is_answered_with_the_nearest_name(tmp_path):
    with pytest.raises(UserError, match=r"none\.zip: no such file"):
        open_archive(tmp_path / "none.zip").__enter__()
    with open_archive(pack(tmp_path / "a.zip", FILES)) as archive:
        with pytest.raises(UserError, match=r"no file 'George/dat\.mat'.*'George/data\.mat'"):
            archive.read("George/dat.mat")
        with pytest.raises(UserError, match=r"folder 'George/image'.*'George/images'"):
            archive.files("George/image")


def test_two_top_folders_with_the_wanted_file_are_ambiguous(tmp_path):
    path = pack(tmp_path / "a.zip", {"v1/data.mat": b"1", "v2/data.mat": b"2"})
    with (
        open_archive(path) as archive,
        pytest.raises(UserError, match=r"v1/data\.mat, v2/data\.mat"),
    ):
        archive.read("data.mat")


def test_added_files_carry_no_time_stamp(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as handle:
        add_file(handle, "a", io.BytesIO(b"abc"))
    with zipfile.ZipFile(tmp_path / "a.zip") as handle:
        assert handle.getinfo("a").date_time == (1980, 1, 1, 0, 0, 0)
        assert handle.read("a") == b"abc"
