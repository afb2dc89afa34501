"""Recordings: responses of sites to images, over positions of a grid and over time."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from itcortex.errors import UserError, nearest
from itcortex.formats.unicode import composed

_log = logging.getLogger(__name__)
AXES = ("image", "y", "x", "ms", "site")
#: Kind of images of which no other is known.
SINGLE_KIND = "all"
#: A site that varies so many times more than the median one has another unit, or is broken.
LOUD = 100


@dataclass(frozen=True)
class Recording:
    """Responses of one array, in image orientation (row 0 is the top of the image).

    Attributes
    ----------
    responses : float32 array (image, y, x, ms, site)
        Repeat-averaged responses. A recording without a grid or a time axis has length-1 axes.
    image_ids, site_ids : tuples of str
        Names along the first and the last axis; images are joined with stimuli by these names.
    attributes : dict
        monkey, area, unit ("spikes/s" or "spike count" or "a.u."), ms_start and ms_bin (start of
        the first bin relative to stimulus onset and width of a bin, ms), source, protocol,
        simulated (bool); image_labels ({name: list with one label for each image}) and site_labels
        (the same of sites: `reliability`) where there are any.
    trials : float32 array (image, y, x, ms, site, repeat) or None
        Single trials where they exist; NaN marks a repeat that was not recorded.
    started : float64 array (image, repeat) or None
        When every presentation began, s from the start of the session, where that is known.
    repeated : tuple of int or None
        Images (index) that `trials` are of, in the order of their first axis, where only some were
        shown several times; None: all. So 22,000 images that were shown once, beside 100 with 30
        repeats, take the room of 100.
    """

    responses: np.ndarray
    image_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    attributes: dict = field(default_factory=dict)
    trials: np.ndarray | None = None
    started: np.ndarray | None = None
    repeated: tuple[int, ...] | None = None

    def __post_init__(self):
        """Refuse arrays whose axes do not fit their names, and names that are given twice."""
        object.__setattr__(self, "image_ids", tuple(map(composed, self.image_ids)))
        shape = self.responses.shape
        if len(shape) != len(AXES):
            raise UserError(f"responses have axes {shape}; expected {AXES}")
        if shape[0] != len(self.image_ids) or shape[-1] != len(self.site_ids):
            raise UserError(
                f"responses {shape} do not fit {len(self.image_ids)} image ids "
                f"and {len(self.site_ids)} site ids"
            )
        for kind, names in (("image", self.image_ids), ("site", self.site_ids)):
            twice = sorted(name for name, count in Counter(names).items() if count > 1)
            if twice:
                raise UserError(f"{kind} ids must be unique; given more than once: {twice[:5]}")
        for name, labels in self.attributes.get("image_labels", {}).items():
            if len(labels) != shape[0]:
                raise UserError(f"{len(labels)} labels {name!r} do not fit {shape[0]} images")
        for name, labels in self.attributes.get("site_labels", {}).items():
            if len(labels) != shape[-1]:
                raise UserError(f"{len(labels)} values of {name!r} do not fit {shape[-1]} sites")
        if self.trials is not None:
            n_shown = len(self.with_trials)
            if self.trials.shape[:-1] != (n_shown, *shape[1:]):
                raise UserError(f"trials {self.trials.shape} do not fit responses {shape}")
        if self.started is not None and len(self.started) != shape[0]:
            raise UserError(f"times of {len(self.started)} images do not fit {shape[0]} images")

    def predicted(self, values: np.ndarray, window, attributes: dict) -> "Recording":
        """Predictions (image, y, x, site) of one window as a recording on the same axes.

        `window` [start, stop) ms becomes its only bin; a recording without time has none.
        """
        time = {"window": None}
        if self.has_time:
            time = {"window": window, "ms_start": window[0], "ms_bin": window[1] - window[0]}
        return replace(
            self,
            responses=values[:, :, :, None],
            trials=None,
            started=None,
            repeated=None,
            attributes=self.attributes | attributes | time,
        )

    def with_pictures(self, pictures: Mapping[str, str]) -> "Recording":
        """The recording with a label "picture" for each image, if any two images show the same.

        `pictures` gives for every image the name of the first image with the same pixels.
        """
        shown = [pictures[name] for name in self.image_ids]
        if len(set(shown)) == len(shown):
            return self
        labels = self.attributes.get("image_labels", {}) | {"picture": shown}
        return replace(self, attributes=self.attributes | {"image_labels": labels})

    def with_kinds(self, kinds: Mapping[str, str]) -> "Recording":
        """The recording with a label "kind" for each image, if they are of several kinds.

        `kinds` gives the kind of every image by its name.
        """
        shown = [kinds[name] for name in self.image_ids]
        if len(set(shown)) == 1:
            return self
        labels = self.attributes.get("image_labels", {}) | {"kind": shown}
        return replace(self, attributes=self.attributes | {"image_labels": labels})

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of every image; they are all of one kind where nothing else is known."""
        known = self.attributes.get("image_labels", {})
        return tuple(known.get("kind", [SINGLE_KIND] * len(self.image_ids)))

    @property
    def pictures(self) -> tuple[str, ...]:
        """What every image shows: images of the same pixels have the same name here."""
        return tuple(self.attributes.get("image_labels", {}).get("picture", self.image_ids))

    def of_images(self, images: np.ndarray) -> "Recording":
        """The recording of some images (indices), with their labels."""
        labels = self.attributes.get("image_labels", {})
        kept = {name: [values[i] for i in images] for name, values in labels.items()}
        place = {image: row for row, image in enumerate(self.with_trials.tolist())}
        shown = [k for k, image in enumerate(images.tolist()) if image in place]
        rows = [place[int(images[k])] for k in shown]
        trials = None if self.trials is None or not rows else self.trials[rows]
        some = None if self.repeated is None or trials is None else tuple(shown)
        return replace(
            self,
            responses=self.responses[images],
            image_ids=tuple(self.image_ids[i] for i in images),
            attributes=self.attributes | ({"image_labels": kept} if labels else {}),
            trials=trials,
            started=None if self.started is None else self.started[images],
            repeated=some,
        )

    def oriented(self, orientation: str) -> "Recording":
        """The recording with its grid turned as one of `ORIENTATIONS` says."""
        trials = None if self.trials is None else turned(self.trials, orientation)
        return replace(self, responses=turned(self.responses, orientation), trials=trials)

    def labels(self, name: str) -> tuple[str, ...]:
        """Label of every image, such as its object; `UserError` if images have none of that name."""
        known = self.attributes.get("image_labels", {})
        if name not in known:
            hint = nearest(name, sorted(known)) if known else "it has no labels of images"
            raise UserError(f"the recording has no {name!r} of its images; {hint}")
        return tuple(known[name])

    @property
    def stated_reliability(self) -> np.ndarray | None:
        """Reliability (site,) that the recording's file states; None where it states none."""
        known = self.attributes.get("site_labels", {})
        return np.array(known["reliability"], float) if "reliability" in known else None

    @property
    def with_trials(self) -> np.ndarray:
        """Images (index) that `trials` are of: those that were shown several times, or all."""
        known = range(len(self.image_ids)) if self.repeated is None else self.repeated
        return np.asarray(known, int)

    @property
    def has_grid(self) -> bool:
        """True where responses were recorded at more than one position of the image."""
        return self.responses.shape[1] * self.responses.shape[2] > 1

    @property
    def has_time(self) -> bool:
        """True where responses have more than one time bin."""
        return self.responses.shape[3] > 1

    def window_in(self, asked: Sequence[float] | None) -> tuple[float, float] | None:
        """The window [start, stop) in ms that is `asked` for; None for a recording without time.

        Settings ask for a window of every recording, also of an own one whose file turns out to have no
        time axis.
        """
        return (float(asked[0]), float(asked[1])) if asked and self.has_time else None


def checked(recording: Recording, label: str) -> Recording:
    """The recording, if all its responses are finite, with its constant sites noted."""
    wrong = np.argwhere(~np.isfinite(recording.responses).all(axis=(1, 2, 3)))
    if len(wrong):
        pairs = [f"{recording.image_ids[i]} at {recording.site_ids[s]}" for i, s in wrong[:5]]
        raise UserError(
            f"{label}: NaN or infinite responses for {len(wrong)} pairs of image and site: "
            f"{', '.join(pairs)}; every image needs a response of every site: correct these values "
            "where they come from, or hand over arrays without those images or sites; in an own file "
            "NaN marks what is missing, and its entry says `incomplete: leave out sites` (or images)"
        )
    axes = (0, 1, 2, 3)
    flat = recording.responses.min(axis=axes) == recording.responses.max(axis=axes)
    constant = [name for name, is_flat in zip(recording.site_ids, flat, strict=True) if is_flat]
    if constant:
        _log.warning(
            f"{label}: {len(constant)} of {len(flat)} sites never change and have no score: "
            f"{', '.join(constant)}"
        )
    return replace(recording, attributes={**recording.attributes, "constant_sites": constant})


def require_shown(recording: Recording, shown: Sequence[str], part: bool, where: str) -> None:
    """Raise `UserError` unless the recording's images are those that were `shown` (names of stimuli).

    With `part` they may be only some of the stimuli. Responses whose axes are swapped have another
    number of images than the stimuli, and are named from those that exist all the same.
    """
    known, n_images = set(shown), len(recording.image_ids)
    counts = f"the recording has {n_images} images, and its stimuli are {len(shown)}"
    if len(recording.site_ids) == len(shown) != n_images:
        counts += f" (it has {len(shown)} sites: are images and sites swapped in the file?)"
    missing = [name for name in recording.image_ids if name not in known]
    if missing:
        raise UserError(
            f"{where}: {counts}; {len(missing)} recorded images are not among the stimuli: "
            f"{missing[:5]}; for {missing[0]!r}, {nearest(missing[0], list(shown))}"
        )
    if not part and n_images != len(shown):
        raise UserError(
            f"{where}: {counts}; if only some of them were recorded, write `part: true` into the "
            "recording's entry in the registry"
        )


def warn_of_loud_sites(recording: Recording, where: str) -> None:
    """Say in the log which sites vary `LOUD` times more than the median site, and what that does."""
    spread = recording.responses.std((0, 1, 2, 3), dtype=np.float64)
    usual = np.median(spread[spread > 0]) if (spread > 0).any() else np.inf
    loud = np.flatnonzero(spread > LOUD * usual)
    if loud.size:
        _log.warning(
            "%s: %d of %d sites vary more than %d times as much as the median site (%s: %.3g, the "
            "median: %.3g): PLS, RSA and CKA are not scaled, and hardly see the other sites; bring "
            "sites to one unit, or leave these out",
            where, loud.size, len(spread), LOUD, recording.site_ids[loud[0]], spread[loud[0]], usual,
        )  # fmt: skip


def mean_over_repeats(counts: np.ndarray) -> np.ndarray:
    """Mean over the last of three axes, of the repeats that exist; NaN where there is none."""
    if counts.ndim == 2:
        return counts
    present = ~np.isnan(counts)
    total = np.where(present, counts, 0).sum(axis=2, dtype=np.float64)
    n_repeats = present.sum(axis=2)
    return np.where(n_repeats > 0, total / np.maximum(n_repeats, 1), np.nan)


# --- orientation of the grid ----------------------------------------------------------------------

CONFIGURED = "as configured"
_FLIPS = {
    CONFIGURED: (slice(None), slice(None)),
    "flipped vertically": (slice(None, None, -1), slice(None)),
    "flipped horizontally": (slice(None), slice(None, None, -1)),
    "rotated by 180 degrees": (slice(None, None, -1), slice(None, None, -1)),
}
#: Every flip and transposition of a grid, by name: how rows and columns are read, and whether they
#: then change places.
ORIENTATIONS = {name: (flip, False) for name, flip in _FLIPS.items()} | {
    "transposed" if name == CONFIGURED else f"transposed, {name}": (flip, True)
    for name, flip in _FLIPS.items()
}


def turned(values: np.ndarray, orientation: str) -> np.ndarray:
    """Values (image, y, x, ...) with their grid turned as one of `ORIENTATIONS` says.

    A transposed grid changes its shape where it is not square. Raises `UserError` for an unknown
    orientation.
    """
    if orientation not in ORIENTATIONS:
        raise UserError(
            f"orientation: {orientation!r} is unknown; {nearest(orientation, [*ORIENTATIONS])}"
        )
    flip, transposed = ORIENTATIONS[orientation]
    flipped = values[(slice(None), *flip)]
    return flipped.swapaxes(1, 2) if transposed else flipped


# --- time -----------------------------------------------------------------------------------------


def window_average(recording: Recording, window: Sequence[float] | None) -> np.ndarray:
    """Mean response (image, y, x, site), float64, in the window [start, stop) ms from onset.

    A recording without a time axis has nothing to average: its window is None. Raises `UserError`
    for a window that is not within the recorded time or not on borders of its bins.
    """
    bins = _bins(recording, window)
    if window is None:
        return recording.responses[:, :, :, 0].astype(np.float64)
    return recording.responses[:, :, :, bins].mean(axis=3, dtype=np.float64)


def trial_average(recording: Recording, window: Sequence[float] | None) -> np.ndarray:
    """As `window_average`, of single trials: (image, y, x, site, repeat).

    The images are those that trials are of (`Recording.with_trials`). Raises `UserError` for a
    recording without single trials.
    """
    if recording.trials is None:
        raise UserError("the recording has no single trials; take what needs none of them")
    bins = _bins(recording, window)
    if window is None:
        return recording.trials[:, :, :, 0]
    return recording.trials[:, :, :, bins].mean(axis=3, dtype=np.float64)


def _bins(recording: Recording, window: Sequence[float] | None) -> slice:
    """Time bins of a window."""
    n_bins = recording.responses.shape[3]
    if window is None:
        if recording.has_time:
            raise UserError(f"a window (ms) is needed to average {n_bins} time bins")
        return slice(0, 1)
    start, stop = window
    missing = [key for key in ("ms_start", "ms_bin") if recording.attributes.get(key) is None]
    if missing:
        raise UserError(
            f"window {start:g}-{stop:g} ms: the recording has no {missing[0]} among its attributes; "
            "give it one, or no window if it has no time axis"
        )
    first, width = recording.attributes["ms_start"], recording.attributes["ms_bin"]
    last = first + width * n_bins
    borders = [(edge - first) / width for edge in (start, stop)]
    if not first <= start < stop <= last or any(abs(b - round(b)) > 1e-6 for b in borders):
        raise UserError(
            f"window {start:g}-{stop:g} ms does not fit the recording: {first:g}-{last:g} ms in bins of "
            f"{width} ms; choose borders of bins within that range"
        )
    return slice(*map(round, borders))
