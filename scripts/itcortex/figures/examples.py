"""What the figure of maps shows: a recording joined with its images and predictions.

Example images and sites are taken by rank, from the best predicted on, so that nobody chose them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from itcortex.data.recordings import Recording, window_average
from itcortex.data.stimuli import Stimuli
from itcortex.encoding.map_alignment import map_alignment
from itcortex.errors import UserError, nearest
from itcortex.numerics.metrics import mean_defined, pearson
from itcortex.tables import panels


@dataclass(frozen=True)
class Block:
    """What is drawn of one recording; images, recorded and predicted are in the same order.

    Attributes
    ----------
    images : uint8 (image, row, column, rgb).
    recorded : (image, y, x, site), mean over the main window.
    predicted : {model's label: (image, y, x, site)}.
    """

    title: str
    unit: str
    image_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    images: np.ndarray
    recorded: np.ndarray
    predicted: dict[str, np.ndarray]

    @property
    def has_grid(self) -> bool:
        """True where there are maps to draw."""
        return self.recorded.shape[1] * self.recorded.shape[2] > 1


def recorded(
    name: str, recording: Recording, stimuli: Stimuli, window: Sequence[float] | None
) -> Block:
    """Join a recording and its images by image id, without predictions.

    `window` is in ms; a recording without time has none, whatever is asked for. Raises `UserError` for
    an image that the stimuli lack.
    """
    rows = {image: k for k, image in enumerate(stimuli.image_ids)}
    if missing := [image for image in recording.image_ids if image not in rows]:
        raise UserError(f"stimuli of recording {name!r} lack images {missing[:5]}")
    about = recording.attributes
    title = f"{about['area']}, {about['monkey']}, {name}"
    return Block(
        title=panels.marked(title, bool(about.get("simulated"))),
        unit=about.get("unit", "a.u."),
        image_ids=recording.image_ids,
        site_ids=recording.site_ids,
        images=stimuli.images[[rows[image] for image in recording.image_ids]],
        recorded=window_average(recording, recording.window_in(window)),
        predicted={},
    )


def join(
    name: str, recording: Recording, stimuli: Stimuli, predictions: dict[str, Recording]
) -> Block:
    """Join a recording, its images and its models' predictions by image id.

    `predictions` maps labels to what fit_encoding wrote; their attribute `window` (ms, or None)
    says what was predicted. Raises `UserError` for an image or a site that is missing somewhere.
    """
    if not predictions:
        raise UserError(f"recording {name!r}: no predictions to draw; name at least one model")
    names = recording.image_ids, recording.site_ids
    for label, predicted in predictions.items():
        if (predicted.image_ids, predicted.site_ids) != names:
            raise UserError(
                f"predictions of {label!r} have other images or sites than recording {name!r}; delete "
                "them, and the next run makes them again"
            )
    window = next(iter(predictions.values())).attributes["window"]
    maps = {label: one.responses[:, :, :, 0].astype(float) for label, one in predictions.items()}
    return _predicted_images(replace(recorded(name, recording, stimuli, window), predicted=maps))


def _predicted_images(block: Block) -> Block:
    """The block without images that were not tested: they have no predictions."""
    flat = np.stack([maps.reshape(len(maps), -1) for maps in block.predicted.values()])
    tested = np.flatnonzero(np.isfinite(flat).all((0, 2)))
    if len(tested) == len(block.image_ids):
        return block
    return replace(
        block,
        image_ids=tuple(block.image_ids[k] for k in tested),
        images=block.images[tested],
        recorded=block.recorded[tested],
        predicted={label: maps[tested] for label, maps in block.predicted.items()},
    )


def of_recording(
    predictions: list[Recording], name: str, models: list[str]
) -> dict[str, Recording]:
    """Predictions of `models` ("model weights", in this order) for the recording called `name`.

    Raises `UserError` for a model without predictions of this recording.
    """
    found = {
        f"{one.attributes['model']} {one.attributes['weights']}": one
        for one in predictions
        if one.attributes["recording"] == name
    }
    for label in models:
        if label not in found:
            raise UserError(
                f"no predictions of model {label!r} for recording {name!r}; "
                + nearest(label, list(found))
            )
    return {label: found[label] for label in models}


def sites(one: Block) -> list[tuple[int, str]]:
    """The best and the median predicted site (index, what it is), by mean r over models."""
    flat = one.recorded.reshape(-1, len(one.site_ids))
    r = [pearson(flat, maps.reshape(flat.shape)) for maps in one.predicted.values()]
    mean = mean_defined(np.array(r), axis=0)
    order = np.argsort(-np.where(np.isfinite(mean), mean, -np.inf), kind="stable")
    order = order[: max(int(np.isfinite(mean).sum()), 1)]
    return [(int(order[0]), "best site"), (int(order[len(order) // 2]), "median site")]


def alignment(one: Block) -> dict[str, np.ndarray]:
    """Spearman rho (image,) between site-averaged maps, for every model."""
    return {label: map_alignment(one.recorded, maps, 1)[1] for label, maps in one.predicted.items()}


def images(rho: dict[str, np.ndarray], n_images: int) -> list[tuple[int, int]]:
    """Images (index, rank) spread evenly from the best to the worst mean rho over models."""
    mean = mean_defined(np.array(list(rho.values())), axis=0)
    order = np.argsort(-np.where(np.isfinite(mean), mean, -np.inf), kind="stable")
    ranks = np.linspace(0, len(order) - 1, min(n_images, len(order))).round().astype(int)
    return [(int(order[rank]), int(rank) + 1) for rank in ranks]
