"""Stimuli: the images that were shown, as one uint8 array with their names."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from itcortex.data.images import decode_rgb
from itcortex.errors import UserError
from itcortex.files import state_of
from itcortex.formats.unicode import composed
from itcortex.formats.zips import open_archive
from itcortex.running.progress import bar

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stimuli:
    """Images of one size: `images` uint8 (image, row, column, rgb), named by `image_ids`."""

    images: np.ndarray
    image_ids: tuple[str, ...]

    def __post_init__(self):
        """Refuse anything that is not uint8 RGB with a unique name for every image."""
        object.__setattr__(self, "image_ids", tuple(map(composed, self.image_ids)))
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] != 3:
            raise UserError(
                f"stimuli must be uint8 (image, row, column, 3); got {self.images.dtype} "
                f"{self.images.shape}"
            )
        if len(set(self.image_ids)) != len(self.images) or len(self.image_ids) != len(self.images):
            raise UserError(
                f"{len(self.images)} images need as many unique ids; got {len(self.image_ids)}, "
                f"{len(set(self.image_ids))} of them different"
            )

    @property
    def pictures(self) -> tuple[str, ...]:
        """For every image the name of the first image with the same pixels: its own, or a twin's."""
        return first_of_same(self.image_ids, (image.tobytes() for image in self.images))


def first_of_same(names: Sequence[str], contents: Iterable[bytes]) -> tuple[str, ...]:
    """For every name the first name that has the same content: its own, or another's."""
    first: dict[bytes, str] = {}
    digests = (hashlib.sha256(content).digest() for content in contents)
    return tuple(first.setdefault(d, name) for d, name in zip(digests, names, strict=True))


def digest_of(image: np.ndarray) -> str:
    """SHA-256 of an image's size and pixels, by which a picture is found in other sets too."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def twins_of(image_ids: Sequence[str], pictures: Sequence[str]) -> list[tuple[str, ...]]:
    """Names of images with the same pixels, one tuple for each such picture, in the images' order."""
    by_picture: dict[str, list[str]] = {}
    for image, picture in zip(image_ids, pictures, strict=True):
        by_picture.setdefault(picture, []).append(image)
    return [tuple(names) for names in by_picture.values() if len(names) > 1]


def warn_of_twins(image_ids: Sequence[str], pictures: Sequence[str], where: str) -> None:
    """Count and name images of the same pixels in the log."""
    twins = twins_of(image_ids, pictures)
    if twins:
        _log.warning(
            "%s: %d of %d images have a twin with the same pixels; twins are kept in one fold: %s",
            where, sum(map(len, twins)), len(image_ids), "; ".join(map(" = ".join, twins)),
        )  # fmt: skip


IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


def read_images(
    archive: str | Path, folder: str = "", size_px: int | None = None, minimum_px: int = 16
) -> Stimuli:
    """Decode all images in a folder of a zip archive to RGB, sorted by file name.

    Greyscale is repeated over the colours, 16 bits are scaled to 8, transparency is laid over mid
    grey (128; the surround of most experiments' screens) and the EXIF orientation is applied.
    With `size_px` every image is squeezed to a square of that side, which keeps positions relative to
    the image's borders; without it all images must have one size.

    Raises `UserError` for a folder without images and for a file that cannot be decoded, has a
    side shorter than `minimum_px`, or has another size than the rest.
    """
    with open_archive(archive) as members:
        files = members.files(folder)
        names = [name for name in files if Path(name).suffix.lower() in IMAGE_SUFFIXES]
        if not names:
            raise UserError(
                f"{archive}: folder {folder!r} has no image ({', '.join(sorted(IMAGE_SUFFIXES))}); "
                f"it holds {', '.join(list(files)[:5])}"
            )
        if len(names) < len(files):
            left_out = len(files) - len(names)
            _log.info(f"{archive}: {left_out} files of {folder!r} are no images and are left out")
        images = {
            name: pixels(
                members.read(files[name]), f"{archive}: {files[name]}", size_px, minimum_px
            )
            for name in bar(names, "decode images", unit="image")
        }
    return _of_one_size(images, f"{archive}", f" in {folder!r}")


def read_pictures(place: str | Path, size_px: int | None = None, minimum_px: int = 16) -> Stimuli:
    """Decode all images in a folder, or in a zip archive, and in the folders below, as `read_images`.

    An image is named by its path from there, with forward slashes, such as `faces/monkey 1.png`.
    Hidden files are left out. Raises `UserError` as `read_images` does.
    """
    place = Path(place)
    if not place.is_dir():
        with open_archive(place) as members:
            names = [name for name in members.names if is_image(name)]
            _require_any(names, place)
            return _of_one_size(
                {
                    name: pixels(members.read(name), f"{place}: {name}", size_px, minimum_px)
                    for name in bar(names, "decode images", unit="image")
                },
                str(place),
            )
    files = pictures_in(place)
    _require_any(files, place)
    images, before = {}, state_of(files.values())
    for name, path in bar(files.items(), "decode images", unit="image"):
        images[name] = pixels(path.read_bytes(), str(path), size_px, minimum_px)
    if state_of(pictures_in(place).values()) != before:
        raise UserError(
            f"{place}: pictures changed while they were read; run again when whatever writes "
            "them has finished"
        )
    return _of_one_size(images, str(place))


def pictures_in(folder: str | Path) -> dict[str, Path]:
    """Files of images in a folder and those below it, by their path from there, sorted."""
    folder = Path(folder)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: found[name] for name in sorted(found) if is_image(name) and found[name].is_file()}


def is_image(name: str) -> bool:
    """Whether a file is an image that is read, by its ending; hidden files are none."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return Path(name).suffix.lower() in IMAGE_SUFFIXES and not hidden


def _require_any(names, place: Path) -> None:
    if not names:
        endings = ", ".join(sorted(IMAGE_SUFFIXES))
        raise UserError(
            f"{place}: has no image ({endings}); name the folder that holds the pictures"
        )


def _of_one_size(images: dict[str, np.ndarray], where: str, folder: str = "") -> Stimuli:
    """Stimuli from images by name; `UserError` if they differ in size."""
    sizes = Counter(image.shape[:2] for image in images.values())
    if len(sizes) > 1:
        shown = ", ".join(f"{width}x{height} ({n})" for (height, width), n in sizes.most_common(5))
        raise UserError(
            f"{where}: images of {len(sizes)} sizes{folder} (width x height): {shown}; "
            "give the stimuli a size_px to bring them to one size"
        )
    return Stimuli(np.stack([*images.values()]), tuple(images))


def pixels(
    content: bytes, label: str, size_px: int | None = None, minimum_px: int = 16
) -> np.ndarray:
    """One image as uint8 (row, column, rgb), squeezed to a square of side `size_px` unless None.

    Raises `UserError` as `read_images` does.
    """
    image = decode_rgb(content, label, upright=True)
    if min(image.size) < minimum_px:
        width, height = image.size
        raise UserError(
            f"{label}: {width}x{height} pixels; an image needs at least {minimum_px} a side"
        )
    if size_px is not None:
        image = image.resize((size_px, size_px), Image.Resampling.BICUBIC)
    return np.asarray(image)


def join_images(recorded: tuple[str, ...], available: tuple[str, ...], where: str) -> list[int]:
    """Index into `available` of every recorded image id; `UserError` lists those that are missing."""
    index = {name: i for i, name in enumerate(available)}
    missing = [name for name in recorded if name not in index]
    if missing:
        raise UserError(
            f"{where}: {len(missing)} of {len(recorded)} recorded images have no activations: "
            f"{missing[:5]}; images with activations: {list(available[:5])}"
        )
    return [index[name] for name in recorded]
