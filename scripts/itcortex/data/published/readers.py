"""The reader of every published format of recordings, by name."""

from inspect import signature
from pathlib import Path

from itcortex.data.published.arcaro import read_arcaro
from itcortex.data.published.cowley import read_cowley
from itcortex.data.published.majajhong import read_majajhong
from itcortex.data.published.tvsd import read_tvsd
from itcortex.data.recordings import Recording
from itcortex.errors import UserError, nearest

LOADERS = {
    "arcaro2020": read_arcaro,
    "cowley2023": read_cowley,
    "majajhong2015": read_majajhong,
    "tvsd": read_tvsd,
}


def read_published(
    source: str | Path, data_format: str, options: dict, attributes: dict
) -> Recording:
    """Read a recording in a published format by the format's name, with the options it takes.

    Raises `UserError` for a format without a reader and for an option that is missing or that the
    reader does not know.
    """
    if data_format not in LOADERS:
        hint = nearest(data_format, list(LOADERS))
        raise UserError(f"no reader for recordings of format {data_format!r}; {hint}")
    reader = LOADERS[data_format]
    known = list(signature(reader).parameters.values())[2:]
    needed = [option.name for option in known if option.default is option.empty]
    wrong = [name for name in options if name not in [option.name for option in known]]
    if wrong or any(name not in options for name in needed):
        raise UserError(
            f"{source}: options {sorted(options)} do not fit format {data_format!r}, which needs "
            f"{needed} and knows {[option.name for option in known]}"
        )
    return reader(source, attributes, **options)
