"""Files of photographs with maps of human attention, whichever rule prepared them."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from itcortex.data.images import image_size
from itcortex.data.photographs import MAP_SIDE, Photographs
from itcortex.data.published import clickme
from itcortex.errors import UserError, nearest
from itcortex.store.tables import read_table, write_table

_MAP = "map_"  # with the kind of map: a column of float32 bytes, little-endian, row by row


def write_photographs(path: str | Path, photographs: Photographs) -> None:
    """Write one row for each photograph: image, jpeg (bytes as published), label if known, maps.

    Raises `UserError`, naming the photograph, for a map with values that are not finite.
    """
    for kind, maps in photographs.maps.items():
        _require_finite(path, photographs.image_ids, maps, f"{kind} map")
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


def write_shard(path: str | Path, photographs: Photographs, maps: np.ndarray) -> None:
    """Write photographs, each with one map (row, column), as a shard of images without labels.

    Columns: image_id, image (as published), map: a PNG of 16 bits, brought to the photograph's own
    aspect with a longer side of 224 pixels, as crops are cut in shares of a photograph's sides.
    Raises `UserError`, naming the photograph, for a map with values that are not finite.
    """
    _require_finite(path, photographs.image_ids, maps, "human map")
    named = zip(photographs.image_ids, photographs.jpegs, maps, strict=True)
    table = {
        "image_id": list(photographs.image_ids),
        "image": list(photographs.jpegs),
        "map": [_png(human, image_size(jpeg, image)) for image, jpeg, human in named],
    }
    write_table(path, pd.DataFrame(table))


def _require_finite(path: str | Path, images: tuple[str, ...], maps: np.ndarray, what: str) -> None:
    bad = [name for name, one in zip(images, maps, strict=True) if not np.isfinite(one).all()]
    if bad:
        raise UserError(
            f"{path}: {bad[0]}: its {what} has values that are not finite ({len(bad)} such "
            "photographs) and is not written; check the points that it was made of, or leave the "
            "photograph out"
        )


def _png(human: np.ndarray, size: tuple[int, int]) -> bytes:
    """A map (row, column) of a photograph of this (width, height) as a PNG, from 0 to 65535.

    The harmonizer standardises maps, so that their unit does not matter.
    """
    low, high = human.min(), human.max()
    scale = MAP_SIDE / max(size)
    width, height = (max(round(side * scale), 1) for side in size)
    scaled = Image.fromarray(np.asarray((human - low) * (65535 / (high - low)), np.float32))
    resized = np.asarray(scaled.resize((width, height), Image.Resampling.BILINEAR))
    buffer = io.BytesIO()
    Image.fromarray(np.round(resized).astype(np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


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
