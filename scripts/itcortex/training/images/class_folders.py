"""Images in one folder per class, and the numbers of the classes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from itcortex.data.images import decode_rgb
from itcortex.data.stimuli import IMAGE_SUFFIXES
from itcortex.errors import UserError, nearest
from itcortex.training.images.samples import Sample, sha256_of_parts


@dataclass
class Folder:
    """Images in one folder per class, without human maps.

    `classes` are the names of the folders if they were numbered by their order; empty if a file gave
    the numbers.
    """

    path: Path
    names: list[str]
    labels: np.ndarray
    classes: list[str] = field(default_factory=list)

    @classmethod
    def scan(cls, root: Path, classes: str | Path = "") -> "Folder":
        """All images below the folders of `root`; raises `UserError` where there are none."""
        own = sorted(path.name for path in root.iterdir() if path.is_dir())
        return cls.numbered(root, class_numbers(own, classes, root), [] if classes else own)

    @classmethod
    def numbered(cls, root: Path, numbers: dict[str, int], classes: Sequence[str] = ()) -> "Folder":
        """All images below the folders of `root` that have a number, in the order of their names."""
        names, labels = [], []
        for folder in sorted(numbers):
            found = [p for p in (root / folder).rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
            names += sorted(p.relative_to(root).as_posix() for p in found)
            labels += [numbers[folder]] * len(found)
        if not names:
            raise UserError(f"{root}: no image in folders of classes ({root}/CLASS/NAME.jpg)")
        return cls(root, names, np.array(labels, np.int64), list(classes))

    @property
    def mapped(self) -> np.ndarray:
        """No image has a map."""
        return np.zeros(len(self.labels), bool)

    def read(self, index: int) -> Sample:
        """Read one file."""
        path = self.path / self.names[index]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _unreadable(path, error) from error
        return Sample(self.names[index], int(self.labels[index]), decode_rgb(content, str(path)))

    def digest(self) -> str:
        """Digest of names and labels; the content of the files is not read."""
        return sha256_of_parts("\n".join(self.names).encode(), self.labels.tobytes())

    def version(self) -> str:
        """Digest of the files' sizes and times of change: their content may be hundreds of GB.

        A file that is replaced by one of the same size under the same date is not noticed.
        """
        found = []
        for name in self.names:
            try:
                stat = (self.path / name).stat()
            except OSError as error:
                raise _unreadable(self.path / name, error) from error
            found.append((stat.st_size, stat.st_mtime_ns))
        return sha256_of_parts(np.array(found, np.int64).tobytes())

    def contents(self) -> list[str]:
        """The content of the files is not read."""
        return [""] * len(self.names)


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be read ({error}); restore it and run again")


def class_numbers(folders: Sequence[str], classes: str | Path, where: Path) -> dict[str, int]:
    """Label of every class folder, from the file `classes` (`read_classes`) or, without it, their order.

    Raises `UserError` for a folder that the file does not list.
    """
    if not classes:
        return {name: number for number, name in enumerate(sorted(folders))}
    numbers = read_classes(classes)
    for name in folders:
        if name not in numbers:
            raise UserError(
                f"{where}: folder {name!r} is no class of {classes}; "
                + nearest(name, list(numbers))
            )
    return numbers


def read_classes(path: str | Path) -> dict[str, int]:
    """Label of every class folder, from a list of names or from JSON like {"0": ["n01440764", ...]}.

    A list has one name per line, in the order of the labels. Raises `UserError` for a file that is
    neither, or names a class twice.
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
        raise UserError(
            f"{path}: not a list of classes ({error}); write the name of one folder per line"
        ) from error
    if len(numbers) < len(names):
        raise UserError(f"{path}: {len(names) - len(numbers)} classes are named twice")
    return numbers
