"""ClickMe: TFRecord shards read without TensorFlow, and human maps processed as the authors do.

A record of a shard is ``length (8 bytes), CRC of the length (4), content, CRC of the content (4)``;
the content is a protobuf `Example` with the features `image` (JPEG 256 x 256 x 3), `heatmap` (JPEG
256 x 256 x 1) and `label` (0 to 999). The package `tfrecord` knows the `Example`; its reader does not
check the CRCs and stops at the first damaged record, so the frames are read here.

The authors' processing (`parse_clickme_prototype`, serre-lab/Harmonization): photographs go from 256
to 224 pixels, maps from 256 to 64, through a blur, to 224; all resizing is bilinear with half-pixel
centres and *not* antialiased, as `tf.image.resize` does it. Every step is linear and separable, so one
matrix for the rows and one for the columns process a map. The blur's kernel (10 x 10, sigma 10)
is even-sized and, as theirs, centred between two pixels vertically and half a pixel to the right of that
horizontally.

JPEG decoders differ: TensorFlow's default one trades accuracy for speed, and its pixels are up to
7 of 255 away from Pillow's, which are used here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from struct import unpack
from typing import BinaryIO

import numpy as np
import pandas as pd

from itcortex.data.images import DAMAGE, open_image
from itcortex.data.photographs import CLASSES, MAP_SIDE, Photographs
from itcortex.errors import UserError
from itcortex.numerics.resample import bilinear
from itcortex.running.progress import bar

#: Spearman rho between the maps of people that the authors divide by (HUMAN_SPEARMAN_CEILING).
INTER_HUMAN = 0.6575315343478081
SIDE = 256  # pixels of the stored photographs and maps
BLUR_SIDE = 64  # pixels at which maps are blurred
KERNEL_SIZE, KERNEL_SIGMA = 10, 10.0  # pixels at BLUR_SIDE

_MASK = 0xA282EAD8  # TFRecord stores a CRC32C rotated and shifted by this number
_HEAD, _TAIL = 12, 4  # bytes around a record's content
_LONGEST = 2**24  # bytes of a content; ClickMe's have some 30,000
_MODES = {"image": "RGB", "heatmap": "L"}


@dataclass(frozen=True)
class _Frame:
    """One record as it lies in a shard: its content, or the reason why there is none."""

    offset: int
    size: int
    content: bytes = b""
    reason: str = ""


def read_shard(path: str | Path, max_corrupt: float = 0.01) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every good record of a shard, its bytes untouched, and a table of what is damaged.

    Parameters
    ----------
    path : a ``.tfrecords`` file.
    max_corrupt : share of the shard's bytes that may be lost before that is an error.

    Returns
    -------
    records : shard (file name), offset (byte), image and heatmap (JPEG bytes), label (0 to 999).
    problems : shard, offset (byte), bytes (lost), reason. A damaged content costs one record; a
        damaged length or a missing end costs the rest of the shard, which cannot be framed.

    Raises `UserError` for a shard that lost more than `max_corrupt`, or holds no good record.
    """
    path = Path(path)
    size = path.stat().st_size
    records, problems = [], []
    with path.open("rb") as handle:
        for frame in bar(_frames(handle, size), f"records of {path.name}", unit="record"):
            try:
                if frame.reason:
                    raise ValueError(frame.reason)
                records.append({"shard": path.name, "offset": frame.offset} | _parse(frame.content))
            except ValueError as error:
                problems.append((path.name, frame.offset, frame.size, str(error)))
    found = pd.DataFrame(problems, columns=["shard", "offset", "bytes", "reason"])
    _refuse(path, size, len(records), found, max_corrupt)
    return pd.DataFrame(records), found


def _refuse(path: Path, size: int, good: int, problems: pd.DataFrame, max_corrupt: float) -> None:
    """Raise for a shard that is too damaged, or empty."""
    lost = int(problems["bytes"].sum())
    again = "delete it and run again, so that it is downloaded anew"
    if lost > max_corrupt * size:
        first = problems.iloc[0]
        raise UserError(
            f"{path}: {lost / size:.1%} of the shard is corrupt ({len(problems)} places, {good} good "
            f"records; the first at byte {first.offset}: {first.reason}); at most {max_corrupt:.1%} "
            f"is accepted (max_corrupt); {again}"
        )
    if not good:
        raise UserError(f"{path}: holds no record ({size} bytes); {again}")


def _frames(handle: BinaryIO, size: int) -> Iterator[_Frame]:
    """Records of a shard of `size` bytes, checked by their CRCs; ends where framing is lost."""
    while (offset := handle.tell()) < size:
        head = handle.read(_HEAD)
        rest = size - offset
        if len(head) < _HEAD:
            yield _Frame(offset, rest, reason="the shard is cut in the middle of a record")
            return
        length, check = unpack("<QI", head)
        if check != _masked_crc(head[:8]):
            yield _Frame(offset, rest, reason="damaged length (CRC); the rest cannot be read")
            return
        total = _HEAD + length + _TAIL
        if total > rest:
            yield _Frame(offset, rest, reason="the shard is cut in the middle of a record")
            return
        if length > _LONGEST:
            handle.seek(length + _TAIL, 1)
            yield _Frame(offset, total, reason=f"a record of {length:,} bytes")
            continue
        content = handle.read(length)
        (check,) = unpack("<I", handle.read(_TAIL))
        reason = "" if check == _masked_crc(content) else "damaged content (CRC)"
        yield _Frame(offset, total, content, reason)


def _masked_crc(content: bytes) -> int:
    """CRC32C as TFRecord stores it."""
    from crc32c import crc32c  # noqa: PLC0415 (only rules that read shards have it)

    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _parse(content: bytes) -> dict:
    """The three features of one record; ValueError with the reason if they are not what they must be."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from tfrecord import example_pb2  # noqa: PLC0415 (imports torch where it is installed)

    try:
        features = example_pb2.Example.FromString(content).features.feature
    except DecodeError as error:
        raise ValueError(f"not a protobuf Example ({error})") from error
    values = {}
    for name, kind in (("image", "bytes_list"), ("heatmap", "bytes_list"), ("label", "int64_list")):
        value = getattr(features[name], kind).value if name in features else ()
        if len(value) != 1:
            raise ValueError(f"no feature {name!r}; it has {', '.join(sorted(features)) or 'none'}")
        values[name] = value[0]
    if not 0 <= values["label"] < CLASSES:
        raise ValueError(f"label {values['label']} is not of 0 to {CLASSES - 1}")
    for name in _MODES:
        jpeg_pixels(values[name], name)
    return values


def jpeg_pixels(jpeg: bytes, feature: str) -> np.ndarray:
    """Pixels uint8 of a record's `image` (256, 256, 3) or `heatmap` (256, 256).

    Raises ValueError for a JPEG that does not decode or has another size or number of colours.
    """
    wanted = (SIDE, SIDE, _MODES[feature])
    pixels = None
    try:
        with open_image(jpeg, ("JPEG",)) as opened:
            found = (*opened.size, opened.mode)
            if found == wanted:
                opened.load()
                pixels = np.asarray(opened)
    except DAMAGE as error:
        raise ValueError(f"{feature} is no readable JPEG ({error})") from error
    if pixels is None:
        raise ValueError("{} is {} x {} {}, not {} x {} {}".format(feature, *found, *wanted))
    return pixels


# --- the authors' processing ----------------------------------------------------------------------


def kernel_sides() -> tuple[np.ndarray, np.ndarray]:
    """The blur's weights (10,) down the rows and along the columns; their outer product sums to 1.

    Peaks stand at rows' fifth and columns' sixth weight: the reference's ranges run from 4 down
    to -5 vertically and from -5 up to 4 horizontally.
    """
    below, right = np.arange(4, -6, -1), np.arange(-5, 5)
    sides = (np.exp(-(steps**2) / (2 * KERNEL_SIGMA**2)) for steps in (below, right))
    rows, columns = (weights / weights.sum() for weights in sides)
    return rows, columns


@cache
def _map_matrices() -> tuple[np.ndarray, np.ndarray]:
    """Matrices (224, 256) that process the rows and the columns of a stored map, all steps in one."""
    before = (KERNEL_SIZE - 1) // 2  # SAME padding: 4 zeros before, 5 after
    sides = []
    for weights in kernel_sides():
        blur = sum(
            weight * np.eye(BLUR_SIDE, k=shift - before) for shift, weight in enumerate(weights)
        )
        sides.append(bilinear(BLUR_SIDE, MAP_SIDE) @ blur @ bilinear(SIDE, BLUR_SIDE))
    return sides[0], sides[1]


def human_maps(heatmaps: np.ndarray) -> np.ndarray:
    """Stored maps (image, 256, 256), resized to 64, blurred, resized to 224: float32."""
    rows, columns = _map_matrices()
    return (rows @ heatmaps.astype(np.float64) @ columns.T).astype(np.float32)


def photographs(records: pd.DataFrame) -> Photographs:
    """Records of `read_shard` with their maps as the authors make them, for scores."""
    names = zip(records["shard"], records["offset"], strict=True)
    heatmaps = np.stack([jpeg_pixels(jpeg, "heatmap") for jpeg in records["heatmap"]])
    return Photographs(
        image_ids=tuple(f"{shard}:{offset}" for shard, offset in names),
        jpegs=tuple(records["image"]),
        maps={"clicks": human_maps(heatmaps)},
        labels=records["label"].to_numpy(),
        reference_resize=True,
    )
