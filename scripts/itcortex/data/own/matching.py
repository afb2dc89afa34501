"""Which picture an image of a recording is: by its name, as far as that is certain.

A recording may write the names of its images with folders, in another case, or without an ending.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from itcortex.errors import UserError, nearest
from itcortex.formats.unicode import composed

_log = logging.getLogger(__name__)
_MOST_NAMED = 10


def _path(name: str) -> str:
    return composed(name).strip().replace("\\", "/")


def _file(name: str) -> str:
    return _path(name).rpartition("/")[2]


def _stem(name: str) -> str:
    """A name without its ending, if it has one that pictures have."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else name


#: A whole number as programs write it that keep all numbers with decimals: 1.0.
_WHOLE = re.compile(r"\A([0-9]+)\.0+\Z")
_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
#: How names are compared, the strictest way first, and what is overlooked then.
_WAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("", composed),
    ("case, spaces around a name and slashes", lambda name: _path(name).casefold()),
    ("endings", lambda name: _stem(_path(name)).casefold()),
    ("folders", lambda name: _file(name).casefold()),
    ("folders and endings", lambda name: _stem(_file(name)).casefold()),
    ("the decimals of whole numbers", lambda name: _WHOLE.sub(r"\1", _stem(_file(name)))),
)


def match(names: Sequence[str], pictures: Sequence[str], where: str) -> dict[str, str]:
    """The picture of every image, by its name in the recording.

    Names that are no picture's are compared again with case, endings and folders overlooked; a name
    that then fits several pictures is refused. Raises `UserError` that lists images without a
    picture, and names of which two fit one picture.
    """
    found: dict[str, str] = {}
    missing = list(dict.fromkeys(names))
    for overlooked, key in _WAYS:
        by_key = defaultdict(list)
        for picture in pictures:
            by_key[key(picture)].append(picture)
        fitting = {name: by_key[key(name)] for name in missing if key(name) in by_key}
        for name, several in fitting.items():
            if len(several) > 1:
                raise UserError(
                    f"{where}: image {name!r} may be any of the pictures {several[:_MOST_NAMED]}; "
                    "write its name as its file's"
                )
        if fitting and overlooked:
            name, (picture,) = next(iter(fitting.items()))
            _log.warning(
                f"{where}: {len(fitting)} images were found among the pictures when {overlooked} "
                f"were overlooked, as {name!r} = {picture!r}"
            )
        found |= {name: several[0] for name, several in fitting.items()}
        missing = [name for name in missing if name not in fitting]
    if missing:
        _refuse(missing, names, pictures, where)
    _refuse_shared(found, where)
    return found


def _refuse(missing: list[str], names: Sequence[str], pictures: Sequence[str], where: str) -> None:
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    if more:
        _log.warning("%s: all images without a picture: %s", where, ", ".join(missing))
    hint = nearest(missing[0], list(pictures))
    raise UserError(
        f"{where}: {len(missing)} of {len(set(names))} images have no picture: "
        f"{', '.join(map(repr, missing[:_MOST_NAMED]))}{more}; add their pictures, or leave these "
        f"images out of the responses. For {missing[0]!r}, {hint}"
    )


def _refuse_shared(found: dict[str, str], where: str) -> None:
    by_picture = defaultdict(list)
    for name, picture in found.items():
        by_picture[picture].append(name)
    shared = [several for several in by_picture.values() if len(several) > 1]
    if shared:
        raise UserError(
            f"{where}: {len(shared)} pictures have images of two names, as {shared[0]}; give every "
            "image one name"
        )
