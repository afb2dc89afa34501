"""Tar archives of labelled images, read by offset: WebDataset's samples, and ImageNet's class folders.

All files of one sample begin with its key: the image `key.jpg` (or .png, ...), its label `key.cls` (a
number), and, if people clicked on it, `key.map.png` or ClickMe's `key.heatmap.jpg`. In an archive
without labels, the folder of an image is its class: `n01440764/x.JPEG`, or `x.JPEG` in an archive
`n01440764.tar` inside the archive, as ImageNet's training images are published.

To find the files, all headers of the archive must be read. That is done once: an index of where every
file lies is written into `scratch`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import feather

from itcortex.data.images import decode_rgb
from itcortex.data.stimuli import IMAGE_SUFFIXES
from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.formats.tars import PackedFile, packed_files, read_at
from itcortex.running.progress import bar
from itcortex.training.images.class_folders import class_numbers
from itcortex.training.images.human_maps import CLICKS, MAP, human_map, in_scratch
from itcortex.training.images.samples import Sample, sha256_of_parts

_LABEL = "cls"
_LABEL_BYTES = 2**20
_LONG_BYTES = 2**30  # archives whose headers take a while
_IMAGE, _HUMAN = slice(0, 2), slice(2, 4)


@dataclass
class TarShard:
    """One archive: names and labels of its images, and where they and their maps lie.

    `places` int64 (image, 4): offset and size of the image, of its map (size -1 without). `classes`
    are the folders that were numbered by their order; empty if labels or a file gave the numbers.
    """

    path: Path
    names: list[str]
    labels: np.ndarray
    places: np.ndarray
    clicks: np.ndarray
    classes: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, scratch: Path, classes: str | Path = "") -> "TarShard":
        """Read the archive's headers unless `scratch` has what they say.

        Raises `UserError`, naming the archive and the member, for what `tars.packed_files`
        refuses, for images without a label, and for a folder that is no class of the file `classes`.
        """
        table = _index(path, scratch)
        names = table["name"].to_pylist()
        columns = ("offset", "size", "map_offset", "map_size")
        places = np.stack([table[name].to_numpy() for name in columns], axis=1)
        clicks = table["clicks"].to_numpy()
        if not table["label"].null_count:
            return cls(path, names, table["label"].to_numpy(), places, clicks)
        folders = [_class_of(path, name) for name in names]
        present = sorted(set(folders))
        numbers = class_numbers(present, classes, path)
        labels = np.array([numbers[folder] for folder in folders], np.int64)
        return cls(path, names, labels, places, clicks, [] if classes else present)

    @property
    def mapped(self) -> np.ndarray:
        """Images with a map beside them."""
        return self.places[:, 3] >= 0

    def read(self, index: int) -> Sample:
        """Read one image, and its map, from their places."""
        name = f"{self.path.name}:{self.names[index]}"
        where = f"{self.path}: {self.names[index]}"
        human = None
        try:
            with self.path.open("rb", buffering=0) as handle:  # a shared one would be forked
                content = _content(handle, self.places[index, _IMAGE], where)
                if self.places[index, 3] >= 0:
                    human = _content(handle, self.places[index, _HUMAN], where)
        except OSError as error:
            raise UserError(
                f"{where}: cannot be read ({error}); restore it and run again"
            ) from error
        if human is not None:
            human = human_map(human, CLICKS if self.clicks[index] else MAP, where)
        return Sample(name, int(self.labels[index]), decode_rgb(content, where), human)

    def digest(self) -> str:
        """Digest of names, labels and the sizes of all images and maps."""
        sizes = np.ascontiguousarray(self.places[:, 1::2])
        return sha256_of_parts(
            "\n".join(self.names).encode(), self.labels.tobytes(), sizes.tobytes()
        )

    def version(self) -> str:
        """The archive's size and time of change: its content, often hundreds of GB, is not read.

        An archive that is replaced by one of the same size under the same date is not noticed.
        """
        stat = self.path.stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def contents(self) -> list[str]:
        """The content of the images is not read."""
        return [""] * len(self.names)


def _content(handle: BinaryIO, place: np.ndarray, where: str) -> bytes:
    offset, size = place.tolist()
    content = read_at(handle, offset, size)
    if len(content) < size:
        raise UserError(
            f"{where}: has {len(content)} of its {size} bytes: the archive was cut off since it was "
            "opened; restore it and run again"
        )
    return content


def _class_of(path: Path, name: str) -> str:
    folder = name.rpartition("/")[0].rpartition("/")[2]
    if not folder:
        raise UserError(
            f"{path}: {name} has no label: no image has a KEY.cls (a number) beside "
            "it, and this one lies in no folder of a class (CLASS/NAME.jpg)"
        )
    return folder


# --- what an archive holds ------------------------------------------------------------------------


def _index(path: Path, scratch: Path) -> pa.Table:
    """What the archive's headers and labels say, from `scratch` or from themselves."""
    try:
        index = in_scratch(path, scratch, ".index")
        if not index.exists():
            with path.open("rb") as handle:
                table = _Headers(path, handle).table()
            with atomic_path(index) as temporary:
                feather.write_feather(table, str(temporary))
        return feather.read_table(index, memory_map=False)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read, or its index not be written into {scratch} ({error}); mend that "
            "and run again"
        ) from error


class _Headers:
    """Images of an archive with their labels and maps, by key."""

    def __init__(self, path: Path, handle: BinaryIO):
        self.path, self.handle = path, handle
        self.images: dict[str, PackedFile] = {}
        self.maps: dict[str, tuple[PackedFile, bool]] = {}
        self.labels: dict[str, int] = {}
        found = packed_files(handle, path)
        long = handle.seek(0, 2) > _LONG_BYTES
        for member in bar(found, f"files of {path.name}", unit="file") if long else found:
            self._take(member)

    def _take(self, member: PackedFile) -> None:
        """Note what a member is; files of a sample that are none of these are left out."""
        key, _, ending = member.name.rpartition(".")
        ending = ending.lower()
        if ending == _LABEL:
            self._take_label(key, member)
        elif f".{ending}" in IMAGE_SUFFIXES:
            stem, _, kind = key.rpartition(".")
            if kind in (MAP, CLICKS):
                self._once(self.maps, stem, member)
                self.maps[stem] = (member, kind == CLICKS)
            else:
                self._once(self.images, key, member)

    def _once(self, kind: dict, key: str, member: PackedFile) -> None:
        if key in kind:
            raise UserError(
                f"{self.path}: {key!r} has two images or maps, the second {member.name!r}; every "
                "sample needs a key of its own"
            )
        kind[key] = member

    def _take_label(self, key: str, member: PackedFile) -> None:
        where = f"{self.path}: {member.name}"
        if member.size > _LABEL_BYTES:
            raise UserError(f"{where}: has {member.size / 1e6:,.1f} MB; a label is a number")
        text = read_at(self.handle, member.offset, member.size)
        try:
            value = int(text)
        except ValueError as error:
            raise UserError(f"{where}: {text[:40]!r} is no label ({error})") from error
        if abs(value) >= 2**31:
            raise UserError(
                f"{where}: {value!r} is no label; write the number of the image's class"
            )
        self.labels[key] = value

    def table(self) -> pa.Table:
        """A row an image, in the archive's order; labels are null where folders are classes."""
        labelled = bool(self.labels)
        if labelled:  # KEY.depth.png is a file of sample KEY that training does not need
            parts = [
                key for key in self.images if key not in self.labels and _first(key) in self.labels
            ]
            for key in parts:
                del self.images[key]
        if not self.images:
            raise UserError(
                f"{self.path}: holds no image ({', '.join(sorted(IMAGE_SUFFIXES))}); a sample is "
                "KEY.jpg with KEY.cls, or CLASS/NAME.jpg"
            )
        self._require_pairs(labelled)
        labels = [self.labels[key] if labelled else None for key in self.images]
        human = [self.maps.get(key, (PackedFile("", -1, -1), False)) for key in self.images]
        return pa.table({
            "name": [member.name for member in self.images.values()],
            "label": pa.array(labels, pa.int64()),
            "offset": [member.offset for member in self.images.values()],
            "size": [member.size for member in self.images.values()],
            "map_offset": [member.offset for member, _ in human],
            "map_size": [member.size for member, _ in human],
            "clicks": [clicks for _, clicks in human],
        })  # fmt: skip

    def _require_pairs(self, labelled: bool) -> None:
        """Every image has a label or none has; every map, and every label of a sample, an image."""
        for key in self.images if labelled else ():
            if key not in self.labels:
                raise UserError(
                    f"{self.path}: {self.images[key].name} has no label, as others have: "
                    f"there is no {key}.cls"
                )
        for kind, keys in (("human map", self.maps), ("label", self.labels if labelled else ())):
            alone = next((key for key in keys if key not in self.images), None)
            if alone is not None:
                raise UserError(
                    f"{self.path}: {alone!r} has a {kind} and no image "
                    f"({', '.join(sorted(IMAGE_SUFFIXES))})"
                )


def _first(key: str) -> str:
    """A key up to the first dot of its file's name."""
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}{name.partition('.')[0]}"
