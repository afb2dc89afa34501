"""Small pictures for the page's script: photographs as JPEG, maps as bytes that it paints.

A map is one byte for each position. Maps of activity are in standard deviations from their mean over
positions, cut at `LIMIT`; maps of attention and saliency are ranks over positions.
"""

import base64
import io
from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from itcortex.data.images import decode_rgb
from itcortex.data.photographs import Photographs
from itcortex.encoding.map_alignment import site_average
from itcortex.numerics.ranks import unit_ranks
from itcortex.numerics.resample import resize_maps

SIDE_PX = 112  # longest side of a photograph
QUALITY = 78
LIMIT = 2.5  # standard deviations
MOST_IMAGES = 16  # of a recording, evenly spread: a page holds maps of every model on each
SALIENCY_SIDE = 28


def photograph(pixels: np.ndarray) -> str:
    """A data URI of a photograph (row, column, rgb), uint8, made smaller."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE_PX, SIDE_PX))
    written = io.BytesIO()
    image.convert("RGB").save(written, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + _text(written.getvalue())


def shown(n_images: int) -> np.ndarray:
    """Numbers of the images that are shown, in their order."""
    return np.unique(np.linspace(0, n_images - 1, min(n_images, MOST_IMAGES)).round().astype(int))


def activity(maps: np.ndarray) -> str:
    """Maps (image, y, x) of activity as bytes, in base 64; 0 is -`LIMIT`, 255 is `LIMIT`."""
    spread = maps.std((1, 2), keepdims=True)
    z = (maps - maps.mean((1, 2), keepdims=True)) / np.where(spread > 0, spread, 1)
    return _bytes((z / LIMIT + 1) / 2)


def attention(maps: np.ndarray) -> str:
    """Maps (image, row, column) of attention or saliency as ranks, made smaller, in base 64."""
    small = resize_maps(maps[..., None].astype(float), (SALIENCY_SIDE, SALIENCY_SIDE))[..., 0]
    return _bytes(np.array([_ranks(one) for one in small]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0 to 1 of a map; NaN where it has none (see `unit_ranks`)."""
    ranks = unit_ranks(values)
    if ranks is None:
        return np.full(values.shape, np.nan)
    return ((ranks - ranks.min()) / np.ptp(ranks)).reshape(values.shape)


def of_recording(
    recorded: np.ndarray,
    image_ids: tuple[str, ...],
    photographs: dict[str, np.ndarray],
    predicted: Iterable[tuple[str, np.ndarray]],
) -> dict:
    """Site-averaged maps of one recording with a grid, recorded and predicted.

    Parameters
    ----------
    recorded : (image, y, x, site), mean over the main window.
    photographs : pixels (row, column, rgb) by image id.
    predicted : pairs of a model's name ("model weights") and its predictions, shaped as `recorded`.
    """
    chosen = shown(len(image_ids))
    return {
        "images": [image_ids[k] for k in chosen],
        "photographs": [photograph(photographs[image_ids[k]]) for k in chosen],
        "shape": list(recorded.shape[1:3]),
        "recorded": activity(site_average(recorded)[chosen]),
        "models": {name: activity(site_average(maps)[chosen]) for name, maps in predicted},
    }


def of_attention(
    photographs: Photographs, examples: Iterable[tuple[str, list[str], np.ndarray]]
) -> dict:
    """Photographs with human maps and the saliency of models.

    `examples` are a model's name, image ids and saliency (image, row, column). Shown are the
    photographs that any model has an example of.
    """
    of_models = {name: dict(zip(ids, maps, strict=True)) for name, ids, maps in examples}
    named = set().union(*of_models.values())
    ids = [image for image in photographs.image_ids if image in named][:MOST_IMAGES]
    rows = [photographs.image_ids.index(image) for image in ids]
    return {
        "images": ids,
        "photographs": [
            photograph(np.asarray(decode_rgb(photographs.jpegs[row], image, "photograph")))
            for row, image in zip(rows, ids, strict=True)
        ],
        "shape": [SALIENCY_SIDE, SALIENCY_SIDE],
        "human": {kind: attention(maps[rows]) for kind, maps in photographs.maps.items()},
        "models": {name: list(_in_order(maps, ids)) for name, maps in of_models.items()},
    }


def _in_order(maps: dict[str, np.ndarray], ids: list[str]) -> Iterator[str | None]:
    for image in ids:
        yield attention(maps[image][None]) if image in maps else None


def _bytes(values: np.ndarray) -> str:
    """Numbers from 0 to 1 as bytes, in base 64; what is not a number is in the middle."""
    scaled = np.nan_to_num(values, nan=0.5).clip(0, 1) * 255
    return _text(scaled.round().astype(np.uint8).tobytes())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
