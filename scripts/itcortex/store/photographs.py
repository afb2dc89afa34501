"""Photographs with maps of human attention, whichever rule prepared their file."""

from pathlib import Path

from itcortex import store
from itcortex.attention.agreement import Photographs
from itcortex.data.published import clickme
from itcortex.errors import UserError, nearest


def _read_shard(path: str | Path) -> Photographs:
    """A shard of ClickMe, whose maps are made anew from the records."""
    return clickme.photographs(store.read_table(path))


READERS = {"clickme": _read_shard, "osie": store.read_photographs}


def read(path: str | Path, data_format: str) -> Photographs:
    """Photographs of a file that prepare_clickme or prepare_attention wrote.

    `data_format` is that of the set in the registry; an unknown one raises `UserError`.
    """
    if data_format not in READERS:
        hint = nearest(data_format, list(READERS))
        raise UserError(f"no reader for human attention of format {data_format!r}; {hint}")
    return READERS[data_format](path)
