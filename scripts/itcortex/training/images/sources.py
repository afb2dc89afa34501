"""Where training images come from: folders of classes, Parquet and tar shards."""

from collections.abc import Sequence
from pathlib import Path

from itcortex.errors import UserError
from itcortex.running.progress import bar
from itcortex.training.images.class_folders import Folder
from itcortex.training.images.parquet_shards import ParquetShard
from itcortex.training.images.samples import Joined, Samples
from itcortex.training.images.tar_shards import TarShard


def open_samples(
    paths: Sequence[str | Path], scratch: str | Path, classes: str | Path = ""
) -> Joined:
    """All samples of folders of classes, Parquet shards and tar archives, in order.

    `classes` (for folders, on disk or in an archive) is a file that gives every folder's label
    (`class_folders.read_classes`); without it labels follow the sorted names. `scratch` keeps what
    must be made of a shard before any of its images can be read.

    Raises `UserError` for a path that is none of these, is damaged, or holds nothing, and for two
    that number their folders by different names.
    """
    parts: list[Samples] = []
    for path in bar([Path(path) for path in paths], "open images", unit="file"):
        if path.is_dir():
            parts.append(Folder.scan(path, classes))
        elif path.suffix == ".parquet":
            parts.append(ParquetShard.open(path, Path(scratch)))
        elif path.suffix == ".tar":
            parts.append(TarShard.open(path, Path(scratch), classes))
        else:
            raise UserError(
                f"{path}: neither a folder of class folders nor a .parquet or plain .tar shard"
            )
    joined = Joined(parts)
    require_same_classes(joined)
    return joined


def require_same_classes(*collections: Joined) -> None:
    """Raise `UserError` where labels follow the order of folders that are not the same everywhere.

    The first folder of each would be class 0, whatever it is called.
    """
    numbered = [p for joined in collections for p in joined.parts if getattr(p, "classes", [])]
    for part in numbered[1:]:
        first = numbered[0]
        if part.classes != first.classes:
            name = sorted(set(part.classes) ^ set(first.classes))[0]
            raise UserError(
                f"{part.path}: its class folders are not those of {first.path} (only one has "
                f"{name!r}), so their order gives no labels; name a file that lists all classes"
            )
