"""Open training images: folders with one folder per class, Parquet shards, tar archives."""

from collections.abc import Sequence
from pathlib import Path

from itcortex.errors import UserError
from itcortex.running.progress import bar
from itcortex.training.images.class_folders import Folder
from itcortex.training.images.human_maps import empty_scratch
from itcortex.training.images.parquet_shards import ParquetShard
from itcortex.training.images.samples import Joined, Samples
from itcortex.training.images.tar_shards import TarShard


def open_samples(
    paths: Sequence[str | Path],
    scratch: str | Path,
    classes: str | Path = "",
    labelled: bool = True,
) -> Joined:
    """All samples of folders of classes, Parquet shards and tar archives, in order.

    `classes` is a file that gives the label of every class folder, on disk or in an archive
    (`class_folders.read_classes`); without it, labels follow the sorted names of the folders.
    `scratch` is a folder for copies and indices, which some shards need before an image can be read.
    Parquet shards of photographs that nobody `labelled` need no labels; those are then -1.

    Raises `UserError` for a path that is none of these, is damaged or holds no image, and for paths
    whose class folders have different names, if no file gives the labels; copies and indices are then
    deleted.
    """
    try:
        joined = Joined(_open(paths, Path(scratch), classes, labelled))
        require_same_classes(joined)
    except UserError:
        empty_scratch(Path(scratch))
        raise
    return joined


def _open(
    paths: Sequence[str | Path], scratch: Path, classes: str | Path, labelled: bool
) -> list[Samples]:
    parts: list[Samples] = []
    for path in bar([Path(path) for path in paths], "open images", unit="file"):
        if path.is_dir():
            parts.append(Folder.scan(path, classes))
        elif path.suffix == ".parquet":
            parts.append(ParquetShard.open(path, scratch, labelled))
        elif path.suffix == ".tar":
            parts.append(TarShard.open(path, scratch, classes))
        else:
            raise UserError(
                f"{path}: neither a folder of class folders nor a .parquet or plain .tar shard"
            )
    return parts


def require_same_classes(*collections: Joined) -> None:
    """Raise `UserError` if labels follow the order of class folders, and the folders differ.

    The first folder of each collection would become class 0, whatever its name.
    """
    numbered = [p for joined in collections for p in joined.parts if getattr(p, "classes", [])]
    for part in numbered[1:]:
        first = numbered[0]
        if part.classes != first.classes:
            name = sorted(set(part.classes) ^ set(first.classes))[0]
            raise UserError(
                f"{part.path}: its class folders are not those of {first.path} (only one has "
                f"{name!r}), so their order gives no labels; set classes to a file that lists all "
                "classes"
            )
