"""Files of photographs with maps of human attention, whichever rule prepared them."""

from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.photographs import MAP_SIDE, Photographs
from itcortex.data.published import clickme
from itcortex.errors import UserError, nearest
from itcortex.store.tables import read_table, write_table

_MAP = "map_"  # with the kind of map: a column of float32 bytes, little-endian, row by row


def write_photographs(path: str | Path, photographs: Photographs) -> None:
    """Write one row for each photograph: image, jpeg (bytes as published), label if known, maps."""
    columns = {"image": list(photographs.image_ids), "jpeg": list(photographs.jpegs)}
    if photographs.labels is not None:
        columns["label"] = photographs.labels
    for kind, maps in photographs.maps.items():
        columns[_MAP + kind] = [one.astype("<f4").tobytes() for one in maps]
    write_table(path, pd.DataFrame(columns))


def read_photographs(path: str | Path) -> Photographs:
    """Read what `write_photographs` wrote."""
    table = read_table(path)
    kinds = [name.removeprefix(_MAP) for name in table if name.startswith(_MAP)]
    if "jpeg" not in table or not kinds:
        raise UserError(
            f"{path}: holds {', '.join(table)}, not photographs with maps; delete it to make it anew"
        )
    return Photographs(
        image_ids=tuple(table["image"]),
        jpegs=tuple(table["jpeg"]),
        maps={
            kind: np.stack([np.frombuffer(one, "<f4") for one in table[_MAP + kind]]).reshape(
                -1, MAP_SIDE, MAP_SIDE
            )
            for kind in kinds
        },
        labels=table["label"].to_numpy() if "label" in table else None,
    )


def _read_shard(path: str | Path) -> Photographs:
    """A shard of ClickMe, whose maps are made anew from the records."""
    return clickme.photographs(read_table(path))


READERS = {"clickme": _read_shard, "osie": read_photographs}


def read_attention(path: str | Path, data_format: str) -> Photographs:
    """Photographs of a file that prepare_clickme or prepare_osie wrote.

    `data_format` is that of the set in the registry; an unknown one raises `UserError`.
    """
    if data_format not in READERS:
        hint = nearest(data_format, list(READERS))
        raise UserError(f"no reader for human attention of format {data_format!r}; {hint}")
    return READERS[data_format](path)
