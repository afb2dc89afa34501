"""Time windows and controls: which sets of responses one job predicts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from itcortex.data.recordings import Recording, window_average
from itcortex.errors import UserError

Window = tuple[float, float]
#: Joins the seed where images are shuffled, so that the draw has nothing to do with that of the folds.
SHUFFLING = 1


@dataclass(frozen=True)
class Target:
    """One set of responses: a window (None: the recording has no time axis) and a control.

    The control is "none", or "shuffled_images": every image has the responses to another image, so
    that a mapping has nothing to find; `permutation` then counts from 1. `main` marks the window of
    the main analysis.
    """

    window: Window | None
    control: str = "none"
    main: bool = False
    permutation: int = 0


def sweep_windows(recording: Recording, width_ms: float, step_ms: float) -> list[Window]:
    """Sliding windows of a recording, from its first bin to the last that fits; none without time.

    Raises `UserError` where width or step are no multiples of the recording's bins.
    """
    if not recording.has_time:
        return []
    start, bin_ms = recording.attributes["ms_start"], recording.attributes["ms_bin"]
    stop = start + recording.responses.shape[3] * bin_ms
    for key, value in (("width_ms", width_ms), ("step_ms", step_ms)):
        if abs(value / bin_ms - round(value / bin_ms)) > 1e-9:
            raise UserError(
                f"encoding: sweep: {key}: {value} is no multiple of the recording's bins "
                f"of {bin_ms} ms"
            )
    n_windows = int(np.floor((stop - start - width_ms) / step_ms + 1e-9)) + 1
    return [(start + k * step_ms, start + k * step_ms + width_ms) for k in range(n_windows)]


def choose_targets(
    recording: Recording, window: Window, sweep: dict | list[Window]
) -> list[Target]:
    """The main window first, then the sweep (without the main window).

    `sweep` is width_ms and step_ms of `sweep_windows`, or a list of windows.
    """
    main = (float(window[0]), float(window[1])) if recording.has_time else None
    if isinstance(sweep, dict):
        windows = sweep_windows(recording, **sweep)
    else:
        windows = [(float(a), float(b)) for a, b in sweep] if recording.has_time else []
    return [Target(main, main=True), *(Target(other) for other in windows if other != main)]


def shuffled_targets(main: Target, permutations: int) -> list[Target]:
    """The control: `main` with its images shuffled, so many times."""
    numbers = range(1, permutations + 1)
    return [Target(main.window, "shuffled_images", True, number) for number in numbers]


def shuffling(pictures: Sequence, rng: np.random.Generator) -> np.ndarray:
    """An image of another picture for every image, int (image,), from what every image shows.

    A step along a random cycle through all images. Where it leads to a twin, the responses of that
    image change places with those of others until it does not. Raises `UserError` where more than half
    of the images show one picture.
    """
    _, picture_of = np.unique(pictures, return_inverse=True)
    if np.bincount(picture_of).max() > len(picture_of) / 2:
        raise UserError("more than half of the images show one picture: they cannot be shuffled")
    cycle = rng.permutation(len(picture_of))
    moved = np.empty_like(cycle)
    moved[cycle] = np.roll(cycle, 1)
    while (alike := np.flatnonzero(picture_of[moved] == picture_of)).size:
        other = rng.integers(len(moved))
        moved[[alike[0], other]] = moved[[other, alike[0]]]
    return moved


class ShuffledResponses(Sequence):
    """Responses (image, y, x, site) in several orders of the images, each made when it is asked for.

    So the control needs the room of one target, and not that of all.
    """

    def __init__(self, responses: np.ndarray, orders: list[np.ndarray]):
        self._responses, self._orders = responses, orders

    def __len__(self) -> int:
        return len(self._orders)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._responses[self._orders[index]]


def shuffling_of_parts(
    pictures: Sequence, tested: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """As `shuffling`, of the images that are tested (mask) and of all others apart.

    Test images may have been shown more often than others: a shuffle of all would change their noise.
    """
    moved, pictures = np.arange(len(tested)), np.asarray(pictures)
    for part in (np.flatnonzero(tested), np.flatnonzero(~tested)):
        if len(part):
            moved[part] = part[shuffling(pictures[part], rng)]
    return moved


def shuffled_responses(
    recording: Recording,
    targets: list[Target],
    rng: np.random.Generator,
    tested: np.ndarray | None = None,
) -> ShuffledResponses:
    """Responses of shuffled targets, as `stack_targets` has them, each made when it is asked for."""
    tested = np.ones(len(recording.image_ids), bool) if tested is None else tested
    orders = [shuffling_of_parts(recording.pictures, tested, rng) for _ in targets]
    return ShuffledResponses(window_average(recording, targets[0].window), orders)


def stack_targets(
    recording: Recording,
    targets: list[Target],
    rng: np.random.Generator,
    tested: np.ndarray | None = None,
) -> np.ndarray:
    """Responses of every target, float64 (target, image, y, x, site).

    Each shuffled target has a `shuffling` of its own, drawn by `rng`. Its seed must not be that of the
    folds: drawn from one seed, every image would get the responses to an image of the fold before.
    Images that are `tested` (mask; all, if not given) and the others are shuffled apart.
    """
    tested = np.ones(len(recording.image_ids), bool) if tested is None else tested
    averages = {window: window_average(recording, window) for window in {t.window for t in targets}}
    return np.stack(
        [
            averages[t.window][shuffling_of_parts(recording.pictures, tested, rng)]
            if t.control == "shuffled_images"
            else averages[t.window]
            for t in targets
        ]
    )
