"""Labelled images with known truth: real handwritten digits on photographs, with a shortcut beside them.

The digit (the object) shows the label. In a share of the training images a patch in the background, or
a tint of all of it, shows the label too, so that a network may read either. In test images the two can
disagree. The "human" maps point at the object, so that it is known what a network should use, what it
could use instead, and what it does use. Everything made here is called simulated.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

from itcortex.errors import UserError, nearest
from itcortex.simulation import scenes

CLASSES = 10
CHANCE = 1 / CLASSES
#: Ranges of scikit-learn's digits, in its order. Neighbours are of one writer, so sets are blocks.
DIGITS = {"train": (0, 1100), "validation": (1100, 1300), "test": (1300, 1797)}
#: Photographs of the sets; the rest are for training.
HELD_OUT = {"validation": ("moon.png", "rocket.png"),
            "test": ("camera.png", "coins.png", "flower.png", "grass.png")}  # fmt: skip
MAPS = ("own", "of_others")
INK, SHADE = 245.0, 15.0  # grey values of a digit and of the shadow that sets it off
GROUND = 128.0  # grey value of the plain ground on which the object alone is drawn
_MARGIN = 1  # pixels between object, patch and border


@dataclass(frozen=True)
class Settings:
    """What the images look like.

    side : pixels of an image.
    kind : of the shortcut, one of `KINDS`; `share` of the images in which it has the object's class
        (chance, one in ten, included).
    patch : side of the shortcut's patch, pixels (a tint has none).
    digit : smallest and largest side of a digit, pixels.
    crop : smallest and largest side of the part of a photograph, of `simulate.photographs`.
    contrast : of the photographs, around mid grey; `opacity` of the shortcut over them.
    maps : `own`; or `of_others`, a control: in the training set every image has another's map.
    """

    side: int = 64
    kind: str = "colour"
    share: float = 0.95
    patch: int = 12
    digit: tuple[int, int] = (24, 34)
    crop: tuple[int, int] = (64, 160)
    contrast: float = 1.0
    opacity: float = 1.0
    maps: str = "own"

    @classmethod
    def of(cls, given: dict) -> "Settings":
        """Settings of JSON values; those not given keep their defaults; `UserError` for others."""
        names = [field.name for field in fields(cls)]
        for name in given:
            if name not in names:
                raise UserError(f"digits: unknown setting {name!r}; {nearest(name, names)}")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})

    def __post_init__(self):
        """Refuse what cannot be drawn."""
        if self.kind not in KINDS:
            raise UserError(
                f"digits: kind: {self.kind!r} is unknown; {nearest(self.kind, [*KINDS])}"
            )
        if self.maps not in MAPS:
            raise UserError(
                f"digits: maps: {self.maps!r} is unknown; {nearest(self.maps, [*MAPS])}"
            )
        if not CHANCE <= self.share <= 1:
            raise UserError(f"digits: share: {self.share} is not from {CHANCE} (chance) to 1")
        low, high = self.digit
        if not 8 <= low <= high or high + self.patch + 3 * _MARGIN > self.side:
            raise UserError(
                f"digits: digit: sides of {low} to {high} pixels and a patch of {self.patch} do not "
                f"fit beside each other into {self.side} pixels"
            )
        for name in ("contrast", "opacity"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"digits: {name}: {getattr(self, name)} is not from 0 to 1")
        if not self.side <= self.crop[0] <= self.crop[1]:
            raise UserError(f"digits: crop: {self.crop} must rise from at least {self.side} pixels")


@dataclass(frozen=True)
class Scenes:
    """Everything about the images of one set but the shortcut, which is painted in at will.

    Attributes
    ----------
    grounds : uint8 (image, row, column, rgb), crops of photographs.
    ink : float32 (image, row, column), how much of a pixel the object covers, 0 to 1.
    labels, digits : class of the object, and which of scikit-learn's digits it is, (image,).
    boxes : int (image, 3), row and column of the object's upper left corner and its side.
    patches : int (image, 2), row and column of the upper left corner of the shortcut's patch.
    """

    grounds: np.ndarray
    ink: np.ndarray
    labels: np.ndarray
    digits: np.ndarray
    boxes: np.ndarray
    patches: np.ndarray
    settings: Settings

    def images(self, shortcuts: np.ndarray) -> np.ndarray:
        """uint8 (image, row, column, rgb) with the shortcut showing these classes (image,)."""
        return _draw_objects(self._with_shortcuts(shortcuts), self.ink)

    @property
    def objects(self) -> np.ndarray:
        """The objects alone, on plain ground: uint8 (image, row, column, rgb)."""
        return _draw_objects(np.full(self.grounds.shape, GROUND, np.float32), self.ink)

    @property
    def maps(self) -> np.ndarray:
        """Where the object is, float32 (image, row, column), 0 to 1: its ink, blurred to a blob."""
        sides = self.boxes[:, 2]
        blobs = [gaussian_filter(ink, s / 7) for ink, s in zip(self.ink, sides, strict=True)]
        return np.stack([blob / blob.max() for blob in blobs])

    def table(self, name: str, shortcuts: np.ndarray) -> pd.DataFrame:
        """The images as a shard to train on: image_id, image and map (PNG), label, shortcut."""
        maps = np.round(255 * self.maps).astype(np.uint8)
        if self.settings.maps == "of_others" and name == "train":
            maps = np.roll(maps, 1, axis=0)  # the order is random: a neighbour is any other image
        return pd.DataFrame({
            "image_id": [f"{name}-{index:05d}" for index in range(len(self.labels))],
            "image": [png(image) for image in self.images(shortcuts)],
            "label": self.labels, "map": [png(human_map) for human_map in maps], "shortcut": shortcuts,
        })  # fmt: skip

    def _with_shortcuts(self, shortcuts: np.ndarray) -> np.ndarray:
        draw, size = KINDS[self.settings.kind], self.settings.patch
        opacity = self.settings.opacity
        painted = GROUND + self.settings.contrast * (self.grounds.astype(np.float32) - GROUND)
        if draw is None:
            tints = np.stack([_hue(label) for label in shortcuts])[:, None, None]
            return painted + opacity * (tints - painted)
        patterns = [draw(label, size) for label in range(CLASSES)]
        for image, (row, column), label in zip(painted, self.patches, shortcuts, strict=True):
            patch = image[row : row + size, column : column + size]
            patch += opacity * (patterns[label] - patch)
        return painted


def png(pixels: np.ndarray) -> bytes:
    """Content of a PNG file of uint8 (row, column[, rgb])."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", compress_level=1)
    return content.getvalue()


def handwritten(subset: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's digits of one set: ink float64 (digit, 8, 8) from 0 to 1, labels, numbers."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 (takes a second)

    digits, numbers = load_digits(), np.arange(*DIGITS[subset])
    return digits.images[numbers] / 16, digits.target[numbers], numbers


def backgrounds(subset: str) -> np.ndarray:
    """Photographs uint8 (photograph, row, column, rgb) of one set; no set shares one with another."""
    everything = scenes.photographs()
    held_out = [name for names in HELD_OUT.values() for name in names]
    rest = [name for name in everything.image_ids if name not in held_out]
    names = HELD_OUT.get(subset, rest)
    return everything.images[[everything.image_ids.index(name) for name in names]]


# --- shortcuts ------------------------------------------------------------------------------------


def _hue(label: int) -> np.ndarray:
    """Colour (rgb) of a class: ten hues of about one brightness, 0 to 255."""
    angle = 2 * np.pi * (label / CLASSES - np.array([0, 1, 2]) / 3)
    return 128 + 100 * np.cos(angle)


def _colour(label: int, size: int) -> np.ndarray:
    return np.broadcast_to(_hue(label), (size, size, 3))


def _level(label: int, size: int) -> np.ndarray:
    return np.full((size, size, 3), 20 + 215 * label / (CLASSES - 1))


def _texture(label: int, size: int) -> np.ndarray:
    """Grey cells, half of them dark: one fixed pattern a class."""
    cells = np.random.default_rng([label, 4]).permutation(16).reshape(4, 4) < 8
    place = np.arange(size) * 4 // size
    return np.where(cells[np.ix_(place, place)], 225.0, 30.0)[..., None].repeat(3, 2)


def _grating(label: int, size: int) -> np.ndarray:
    """Grey stripes, six pixels wide; the class turns them by 18 degrees."""
    rows, columns = np.mgrid[:size, :size]
    angle = np.pi * label / CLASSES
    wave = np.cos(2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle)) / 6)
    return (128 + 100 * wave)[..., None].repeat(3, 2)


#: What a patch of a class looks like, float (row, column, rgb); a tint colours all of the background.
KINDS: dict[str, Callable[[int, int], np.ndarray] | None] = {
    "colour": _colour, "level": _level, "texture": _texture, "grating": _grating, "tint": None,
}  # fmt: skip


def draw_shortcuts(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Class of every shortcut: the label in a `share` of the images, else one of the other nine."""
    others = (labels + rng.integers(1, CLASSES, len(labels))) % CLASSES
    return np.where(rng.random(len(labels)) < share, labels, others)


# --- scenes ---------------------------------------------------------------------------------------


def arrange(subset: str, count: int, settings: Settings, rng: np.random.Generator) -> Scenes:
    """`count` scenes of one set: train, validation or test.

    Every digit of the set comes as often as any other, at a random size and place, on a random crop
    of one of the set's photographs.
    """
    ink, labels, numbers = handwritten(subset)
    photographs = backgrounds(subset)
    deals = [rng.permutation(len(labels)) for _ in range(-(-count // len(labels)))]
    chosen = np.concatenate(deals)[:count]
    grounds, inks, boxes, patches = [], [], [], []
    for index in chosen:
        grounds.append(_crop(photographs[rng.integers(len(photographs))], settings, rng))
        box, patch = _place(settings, rng)
        boxes.append(box)
        patches.append(patch)
        inks.append(_write(ink[index], box, settings.side))
    return Scenes(
        np.stack(grounds), np.stack(inks), labels[chosen], numbers[chosen], np.array(boxes),
        np.array(patches), settings,
    )  # fmt: skip


def _crop(photograph: np.ndarray, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """A random square of a photograph at the images' size."""
    side = int(rng.integers(settings.crop[0], settings.crop[1] + 1))
    top, left = (int(rng.integers(n - side + 1)) for n in photograph.shape[:2])
    image = Image.fromarray(photograph[top : top + side, left : left + side])
    return np.asarray(image.resize((settings.side,) * 2, Image.Resampling.BICUBIC))


def _place(settings: Settings, rng: np.random.Generator) -> tuple[tuple, np.ndarray]:
    """Row, column and side of an object, and row and column of a patch that it leaves room for."""
    starts = np.arange(_MARGIN, settings.side - settings.patch - _MARGIN + 1)
    while True:  # ends: an object at the border leaves room, `Settings` saw to it
        side = int(rng.integers(settings.digit[0], settings.digit[1] + 1))
        box = rng.integers(_MARGIN, settings.side - side - _MARGIN + 1, 2)
        free = [
            (starts + settings.patch + _MARGIN <= first) | (starts >= first + side + _MARGIN)
            for first in box
        ]
        rows, columns = np.nonzero(free[0][:, None] | free[1])
        if len(rows):
            chosen = rng.integers(len(rows))
            return (*box, side), np.array([starts[rows[chosen]], starts[columns[chosen]]])


def _write(ink: np.ndarray, box: tuple[int, int, int], side: int) -> np.ndarray:
    """A digit of 8 x 8 pixels as ink in an image, smoothly enlarged."""
    row, column, size = box
    enlarged = Image.fromarray(ink.astype(np.float32)).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    image = np.zeros((side, side), np.float32)
    image[row : row + size, column : column + size] = np.clip(enlarged, 0, 1)
    return image


def _draw_objects(grounds: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """White objects with a dark shadow, which sets them off from any ground, as uint8."""
    shadow = np.clip(1.5 * gaussian_filter(ink, (0, 1.5, 1.5), mode="constant"), 0, 1)[..., None]
    drawn = grounds * (1 - shadow) + SHADE * shadow
    drawn = drawn * (1 - ink[..., None]) + INK * ink[..., None]
    return np.clip(np.round(drawn), 0, 255).astype(np.uint8)
