"""Where training images come from: folders of classes, and Parquet shards such as ClickMe's.

Parquet cannot be read row by row: shards are copied once into a `scratch` folder as Arrow files, which
are as large (photographs do not compress further) and are mapped into memory, shared by all processes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from itcortex import clickme
from itcortex.errors import UserError, nearest
from itcortex.harmonizer.samples import Joined, Sample, Samples, decode, digest, photograph
from itcortex.progress import bar
from itcortex.stimuli import IMAGE_SUFFIXES
from itcortex.store import atomic_path

#: Columns of a shard that may hold a map: ClickMe's own, to which the authors' processing is still to
#: be applied, and any image file of one channel, taken as it is.
CLICKS, MAP = "heatmap", "map"


def open_samples(
    paths: Sequence[str | Path], scratch: str | Path, classes: str | Path = ""
) -> "Joined":
    """All samples of folders of classes and of Parquet shards, in order.

    `classes` (for folders) is a file that gives every folder's label (`read_classes`); without it
    labels follow the sorted names. Raises `UserError` for a path that is neither, is damaged, or
    holds nothing.
    """
    parts: list[Samples] = []
    for path in bar([Path(path) for path in paths], "open images", unit="file"):
        if path.is_dir():
            parts.append(Folder.scan(path, classes))
        elif path.suffix == ".parquet":
            parts.append(Shard.open(path, Path(scratch)))
        else:
            raise UserError(f"{path}: neither a folder of class folders nor a .parquet shard")
    return Joined(parts)


# --- folders --------------------------------------------------------------------------------------


@dataclass
class Folder:
    """Images in one folder a class, without maps."""

    root: Path
    names: list[str]
    labels: np.ndarray

    @classmethod
    def scan(cls, root: Path, classes: str | Path = "") -> "Folder":
        """All images below the folders of `root`; raises `UserError` where there are none."""
        folders = sorted(path for path in root.iterdir() if path.is_dir())
        numbers = read_classes(classes) if classes else {f.name: n for n, f in enumerate(folders)}
        names, labels = [], []
        for folder in folders:
            if folder.name not in numbers:
                raise UserError(
                    f"{root}: folder {folder.name!r} is no class of {classes}; "
                    + nearest(folder.name, list(numbers))
                )
            found = [p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
            names += sorted(p.relative_to(root).as_posix() for p in found)
            labels += [numbers[folder.name]] * len(found)
        if not names:
            raise UserError(f"{root}: no image in folders of classes ({root}/CLASS/NAME.jpg)")
        return cls(root, names, np.array(labels, np.int64))

    @property
    def mapped(self) -> np.ndarray:
        """No image has a map."""
        return np.zeros(len(self.labels), bool)

    def read(self, index: int) -> Sample:
        """Read one file."""
        path = self.root / self.names[index]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error}); restore it and run again"
            ) from error
        return Sample(self.names[index], int(self.labels[index]), photograph(content, str(path)))

    def digest(self) -> str:
        """Digest of names and labels; files are taken at their word."""
        return digest("\n".join(self.names).encode(), self.labels.tobytes())


def read_classes(path: str | Path) -> dict[str, int]:
    """Label of every class folder: one name a line in order, or JSON like {"0": ["n01440764", ...]}.

    Raises `UserError` for a file that is neither, or names a class twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            entries = {
                int(k): v[0] if isinstance(v, list) else v for k, v in json.loads(text).items()
            }
            names = list(entries.values())
            numbers = dict(zip(names, entries, strict=True))
        else:
            names = [line.split()[0] for line in text.splitlines() if line.strip()]
            numbers = {name: number for number, name in enumerate(names)}
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path}: no list of classes ({error}); write one folder a line") from error
    if len(numbers) < len(names):
        raise UserError(f"{path}: {len(names) - len(numbers)} classes are named twice")
    return numbers


# --- shards ---------------------------------------------------------------------------------------


@dataclass
class Shard:
    """One Parquet shard: columns image (file content), label, and maybe heatmap or map.

    Images are named by the column `image_id`, by ClickMe's `shard` and `offset`, or by their row.
    """

    path: Path
    copy: Path
    ids: list[str]
    labels: np.ndarray
    mapped: np.ndarray
    map_column: str
    _table: pa.Table | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path, scratch: Path) -> "Shard":
        """Copy the shard into `scratch` unless it is there; `UserError`, naming it, if damaged."""
        try:
            found = parquet.read_schema(path).names
            _require_columns(path, found)
            kind = CLICKS if CLICKS in found else MAP if MAP in found else ""
            named = [name for name in ("image_id", "shard", "offset") if name in found]
            about = parquet.read_table(path, columns=["label", *named])
            stat = path.stat()
            unique = digest(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode())[:16]
            copy = scratch / f"{path.stem}-{unique}.arrow"
            if not copy.exists():
                _copy(path, copy, ["image", *([kind] if kind else [])])
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                f"{path}: not a readable Parquet shard ({error}); it may have been cut off: delete "
                "it, so that it is made or downloaded anew"
            ) from error
        labels = about["label"].to_numpy().astype(np.int64)
        shard = cls(path, copy, _ids(path, about), labels, np.zeros(len(labels), bool), kind)
        if kind:
            shard.mapped = shard.table[kind].is_valid().to_numpy()
        return shard

    @property
    def table(self) -> pa.Table:
        """The copy, mapped into memory by the process that asks."""
        if self._table is None:
            self._table = pa.ipc.open_file(pa.memory_map(str(self.copy))).read_all()
        return self._table

    def __getstate__(self) -> dict:
        """Another process maps the copy itself."""
        return self.__dict__ | {"_table": None}

    def read(self, index: int) -> Sample:
        """Decode one row."""
        where = f"{self.path}: {self.ids[index]}"
        image = photograph(self.table["image"][index].as_buffer(), where)
        human = None
        if self.mapped[index]:
            content = self.table[self.map_column][index].as_buffer()
            human = _clicks(content, where) if self.map_column == CLICKS else _map(content, where)
        return Sample(self.ids[index], int(self.labels[index]), image, human)

    def digest(self) -> str:
        """Digest of names, labels and the sizes of all images and maps."""
        sizes = [pc.binary_length(self.table[n]).to_numpy() for n in self.table.column_names]
        names = "\n".join(self.ids).encode()
        return digest(names, self.labels.tobytes(), *(size.tobytes() for size in sizes))


def _require_columns(path: Path, found: list[str]) -> None:
    missing = [name for name in ("image", "label") if name not in found]
    if missing:
        raise UserError(
            f"{path}: no column {missing[0]!r}; a shard of images has image (file content), label "
            f"and maybe {CLICKS} or {MAP}; this one has {', '.join(found)}"
        )


def _copy(path: Path, copy: Path, columns: list[str]) -> None:
    table = parquet.read_table(path, columns=columns)
    with (
        atomic_path(copy) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def _ids(path: Path, about: pa.Table) -> list[str]:
    columns = {name: about[name].to_pylist() for name in about.column_names}
    if "image_id" in columns:
        return [str(name) for name in columns["image_id"]]
    if "shard" in columns and "offset" in columns:
        pairs = zip(columns["shard"], columns["offset"], strict=True)
        return [f"{shard}:{offset}" for shard, offset in pairs]
    return [f"{path.name}:{row}" for row in range(len(about))]


def _map(content, where: str) -> np.ndarray:
    image = decode(content, where)
    if len(image.getbands()) > 1:
        raise UserError(f"{where}: its human map has {len(image.getbands())} channels, not one")
    return np.asarray(image, np.float32)


def _clicks(content, where: str) -> np.ndarray:
    """ClickMe's stored map as the authors make it, 224 pixels a side."""
    try:
        return clickme.human_maps(clickme.decode(content, "heatmap")[None])[0]
    except ValueError as error:
        raise UserError(f"{where}: {error}; delete the shard and run again") from error
