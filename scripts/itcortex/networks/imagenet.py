"""The 1,000 classes of ImageNet: their order, WordNet ids and names, as the installed timm has them.

They are read from timm's files of text, so that nothing has to wait for torch.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from itcortex.errors import UserError, nearest

N_CLASSES = 1000


@dataclass(frozen=True)
class Classes:
    """WordNet ids (`n01440764`) and names ("tench, Tinca tinca") of all classes, by their number."""

    ids: tuple[str, ...]
    names: tuple[str, ...]

    def short(self, number: int) -> str:
        """The first of a class's names."""
        return self.names[number].partition(",")[0]


@cache
def imagenet_classes() -> Classes:
    """The classes in the order of a network's 1,000 scores. Raises `UserError` without timm."""
    package = find_spec("timm")
    if package is None:
        raise UserError("timm is not installed; install it with: pip install timm")
    folder = Path(package.origin).parent / "data" / "_info"
    ids = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    with (folder / "imagenet_synset_to_lemma.txt").open(encoding="utf-8", newline="") as file:
        names = dict(csv.reader(file, delimiter="\t"))
    return Classes(tuple(ids), tuple(names[wordnet_id] for wordnet_id in ids))


def class_folders(root: str | Path) -> list[str]:
    """Names of the folders in a folder, sorted, without hidden ones."""
    names = (path.name for path in Path(root).iterdir() if path.is_dir())
    return sorted(name for name in names if not name.startswith("."))


def class_of_folder(folders: Sequence[str], classes: Classes, where: str) -> dict[str, int]:
    """Number of the class that each folder is named by, all in one of three ways.

    Parameters
    ----------
    folders : names of folders, one for each of the 1,000 classes: numbers (`0` to `999`, leading zeros
        or not), WordNet ids (`n01440764`) or names (`tench`, `great_white_shark`; letters' case,
        spaces, `_` and `-` do not matter).
    classes : the classes.
    where : what the folders lie in, for errors.

    Raises
    ------
    UserError
        For a folder that is named in none of these ways, or in another one than most; for a name that
        two classes have (`crane`); for two folders of one class; and for classes without a folder:
        the accuracy over some of ImageNet's classes is not its top-1.
    """
    ways = {
        "by number": _numbers(folders),
        "by WordNet id": _ids(folders, classes),
        "by name": _names(folders, classes),
    }
    most = max(ways, key=lambda way: len(ways[way]))
    found = ways[most]
    for folder in folders:
        if folder not in found:
            raise UserError(f"{where}: {_unknown(folder, most, ways, classes)}")
        if len(found[folder]) > 1:
            ids = " or ".join(classes.ids[number] for number in sorted(found[folder]))
            raise UserError(
                f"{where}: folder {folder!r} is the name of {len(found[folder])} classes; name the "
                f"folders by WordNet id: {ids}"
            )
    numbers = {folder: min(found[folder]) for folder in folders}
    _require_each_once(numbers, classes, where)
    return numbers


def _unknown(folder: str, most: str, ways: dict[str, dict], classes: Classes) -> str:
    """What is wrong with a folder that is not named as most others are."""
    for way, found in ways.items():
        if folder in found:
            return f"folder {folder!r} is named {way}, most others {most}; name all in one way"
    return (
        f"folder {folder!r} names no class of ImageNet; name all folders by number (0 to 999), by "
        "WordNet id (n01440764), or by name (tench); "
        + nearest(folder, [*classes.ids, *map(classes.short, range(len(classes.ids)))])
    )


def _require_each_once(numbers: dict[str, int], classes: Classes, where: str) -> None:
    folder_of: dict[int, str] = {}
    for folder, number in numbers.items():
        if number in folder_of:
            raise UserError(
                f"{where}: folders {folder_of[number]!r} and {folder!r} are one class "
                f"({classes.names[number]}); put their images into one folder"
            )
        folder_of[number] = folder
    lacking = [number for number in range(len(classes.ids)) if number not in folder_of]
    if lacking:
        raise UserError(
            f"{where}: has folders of {len(numbers)} classes, and top-1 is over all {len(classes.ids)} "
            f"of ImageNet; there is none for {classes.short(lacking[0])!r} (number {lacking[0]}, "
            f"{classes.ids[lacking[0]]})"
        )


def _numbers(folders: Sequence[str]) -> dict[str, set[int]]:
    numbers = {name: int(name) for name in folders if name.isascii() and name.isdigit()}
    return {name: {number} for name, number in numbers.items() if number < N_CLASSES}


def _ids(folders: Sequence[str], classes: Classes) -> dict[str, set[int]]:
    number = {wordnet_id: place for place, wordnet_id in enumerate(classes.ids)}
    return {name: {number[name]} for name in folders if name in number}


def _names(folders: Sequence[str], classes: Classes) -> dict[str, set[int]]:
    """Classes of a name: those that have it first, or else those that have it at all."""
    first: dict[str, set[int]] = {}
    other: dict[str, set[int]] = {}
    for number, names in enumerate(classes.names):
        own, *others = map(_plain, names.split(","))
        first.setdefault(own, set()).add(number)
        other.setdefault(_plain(names), set()).add(number)  # all of the names, joined
        for name in others:
            other.setdefault(name, set()).add(number)
    found = {name: first.get(_plain(name)) or other.get(_plain(name)) for name in folders}
    return {name: numbers for name, numbers in found.items() if numbers}


def _plain(name: str) -> str:
    """A name without what spellings differ in."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").replace(",", " ").split())
