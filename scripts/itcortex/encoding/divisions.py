"""How each protocol divides the images of a recording into training and test images.

Folds are `image`, a number, or one of these:

{kind: split, name: ...}
    A column of the images says `train` or `test`. Test images alone are scored, by one fit to all
    training images; layers and penalties are chosen on `INNER_FOLDS` folds of the training images.
{kind: column, name: ...}
    Every value of a column of the images is held out in turn, as one fold.
{kind: clusters, k: ...}
    The same with clusters of images that look alike to a network (`itcortex.encoding.image_parts`).
{kind: far, share: ...}
    One test set, as far as possible from all training images to a network.

No fit sees what it is tested on under another name: a training image with the pixels of a test image
(its twin) is left out.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from itcortex.data.recordings import Recording
from itcortex.errors import UserError
from itcortex.mappings import brainscore
from itcortex.mappings.folds import Division, assign_folds
from itcortex.mappings.kinds import Kinds
from itcortex.numerics.metrics import FEWEST_SAMPLES

_log = logging.getLogger(__name__)

#: Folds of training images that choose the layer where one test set is held out.
INNER_FOLDS = 5
TRAIN, TEST = "train", "test"
#: Name of the only split where one test set is held out.
HELD_OUT = "test"
_MOST_NAMED = 8

Folds = str | int | dict


def divide_into_folds(
    recording: Recording, folds: Folds, seed: int, parts: Mapping[str, str] | None = None
) -> Division:
    """Folds of the images, drawn by `seed` or named by a column of the images (see the module).

    `parts` has the part of every image by its name, for clusters and far (rule divide_images).
    """
    if not isinstance(folds, dict):
        n_positions = _positions(recording)
        fold_of = assign_folds(recording.pictures, folds, np.random.default_rng(seed), n_positions)
        return Division.into_folds(fold_of, recording.pictures, Kinds.of(recording.kinds))
    if folds["kind"] in WITH_NETWORK:
        if parts is None:
            raise ValueError(f"folds of kind {folds['kind']} need the parts of the images")
        labels = tuple(parts[image] for image in recording.image_ids)
        divide, where = WITH_NETWORK[folds["kind"]]
        return divide(recording, labels, where.format(**folds), seed)
    try:
        labels = recording.labels(folds["name"])
    except UserError as error:
        raise UserError(f"encoding: folds: name: {error}") from error
    divide = {"split": hold_out_test_images, "column": hold_out_values}[folds["kind"]]
    return divide(recording, labels, f"encoding: folds: column {folds['name']!r}", seed)


def hold_out_test_images(
    recording: Recording, labels: tuple, where: str, seed: int = 0
) -> Division:
    """One test set: the images whose label (image,) is `test`; the others, `train`, are never scored.

    Training images that show what a test image shows are left out, counted and named in the log. `seed`
    draws the folds of training images. Raises `UserError` for another label, a test set with fewer
    samples than a correlation needs or a single picture, and too few training images to choose a layer.
    """
    parts = np.array([str(label).strip().lower() for label in labels])
    others = sorted({str(x) for x, part in zip(labels, parts, strict=True)
                     if part not in (TRAIN, TEST)})  # fmt: skip
    if others:
        raise UserError(
            f"{where}: {others[0]!r} is neither {TRAIN!r} nor {TEST!r} (other values: "
            f"{', '.join(map(repr, others[:_MOST_NAMED]))}); give every image one of the two, or hold "
            "out every value in turn, `kind: column`"
        )
    test, pictures = parts == TEST, np.array(recording.pictures)
    require_testable(len(set(pictures[test])), f"test images of {where}", _positions(recording))
    twins = ~test & np.isin(pictures, pictures[test])
    if twins.any():
        named = [recording.image_ids[k] for k in np.flatnonzero(twins)]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        _log.warning(
            f"{len(named)} training images have the pixels of a test image and are left out: "
            f"{', '.join(named[:_MOST_NAMED])}{more}"
        )
    train = ~test & ~twins
    group_of = np.full(len(test), -1)
    group_of[test] = 0
    group_of[train] = 1 + _inner_folds(tuple(pictures[train]), where, seed, _positions(recording))
    kinds = Kinds.of(recording.kinds)
    return Division.of_groups((HELD_OUT,), group_of, recording.pictures, kinds)


def hold_out_values(recording: Recording, labels: tuple, where: str, seed: int = 0) -> Division:
    """A fold for every value among labels (image,), in their order, named by it.

    Nothing is drawn. Raises `UserError` for fewer than three values, a value with fewer samples than a
    correlation needs or a single picture, and for twins with different values.
    """
    values, fold_of = np.unique(np.array([str(label) for label in labels]), return_inverse=True)
    names = values.tolist()
    if len(names) < 3:
        raise UserError(
            f"{where}: has {len(names)} values ({', '.join(map(repr, names))}), and at least 3 "
            "are needed: two others choose the layer for each; for two, mark one `test` and the other "
            "`train` and write `kind: split`"
        )
    pictures = np.array(recording.pictures)
    for fold, name in enumerate(names):
        of_value = pictures[fold_of == fold]
        require_testable(len(set(of_value)), f"{where}: {name!r}", _positions(recording))
        apart = np.isin(pictures, of_value) & (fold_of != fold)
        if apart.any():
            image = recording.image_ids[int(np.argmax(apart))]
            other = names[fold_of[int(np.argmax(apart))]]
            raise UserError(
                f"{where}: image {image!r} ({other!r}) has the pixels of an image with {name!r}: a fit "
                "would be tested on what it has seen; give both one value"
            )
    kinds = Kinds.of(recording.kinds)
    return Division.of_groups(tuple(names), fold_of, recording.pictures, kinds)


#: How parts of images that a network makes are held out, and what to call them in errors.
WITH_NETWORK = {
    "clusters": (hold_out_values, "encoding: folds: clusters: k: {k}"),
    "far": (hold_out_test_images, "encoding: folds: far: share: {share}"),
}


def require_testable(n_pictures: int, what: str, n_positions: int) -> None:
    """Raise `UserError` if pictures are too few to be held out together."""
    samples = n_pictures * n_positions
    if n_pictures < 2 or samples < FEWEST_SAMPLES:
        images = "1 image" if n_pictures == 1 else f"{n_pictures} images"
        raise UserError(
            f"{what}: {images} ({samples} samples: images times positions of the grid); what is held "
            f"out needs at least 2 images and {FEWEST_SAMPLES} samples, since with fewer a correlation "
            "is often near 1 or -1 by chance; hold out more images at a time (of clusters: a smaller k, "
            "or another network in `divided_by`)"
        )


def _inner_folds(pictures: tuple[str, ...], where: str, seed: int, n_positions: int) -> np.ndarray:
    """Fold (image,) of the training images that choose layers, as many as they allow."""
    n_pictures, fewest = len(set(pictures)), -(-FEWEST_SAMPLES // n_positions)
    n_folds = min(INNER_FOLDS, n_pictures // fewest)
    if n_folds < 3:
        raise UserError(
            f"{where}: {n_pictures} training images; at least {3 * fewest} are needed to choose a layer "
            "on three parts of them; mark more images `train`"
        )
    return assign_folds(pictures, n_folds, np.random.default_rng(seed), n_positions)


def _positions(recording: Recording) -> int:
    return recording.responses.shape[1] * recording.responses.shape[2]


def divide_as_brainscore(
    recording: Recording, folds: Folds, seed: int, parts: Mapping[str, str] | None = None
) -> Division:
    """Brain-Score's ten splits, balanced over objects; its number and seed are fixed."""
    division = brainscore.divide(recording.labels(brainscore.STRATIFIED_BY), recording.pictures)
    return replace(division, kinds=Kinds.of(recording.kinds))


#: (recording, folds, seed, parts) -> Division, by the name of the protocol.
DIVISIONS: dict[str, Callable[..., Division]] = {
    "corrected": divide_into_folds,
    "reference": divide_into_folds,
    "brainscore": divide_as_brainscore,
}
