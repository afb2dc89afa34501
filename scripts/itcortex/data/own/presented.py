"""Responses to one presentation after another, and the recording that they make.

Every form of file is read into the same thing: responses of sites to presentations, with what is known
of each presentation and each site. What follows from there (sites that are chosen, names of pictures,
repeats, splits) is the same for all forms.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from itcortex.data.own import matching
from itcortex.data.own.labels import labels_of_images, stated_reliability
from itcortex.data.own.selection import select
from itcortex.data.recordings import Recording, checked
from itcortex.errors import UserError
from itcortex.formats.unicode import composed

_log = logging.getLogger(__name__)
#: Values of `incomplete`: what becomes of an image without any response of a site.
INCOMPLETE = ("refuse", "leave out sites", "leave out images")
#: Numbers that many programs write where there is none.
CODES = np.array(
    [-999, -9999, -99999, 999, 9999, 99999, -1e20, 1e20, 9.969209968386869e36], np.float32
)
#: So many times larger than all others in absolute value, a number of `CODES` is taken for a code.
_FAR = 20
_MOST_NAMED = 5


@dataclass(frozen=True)
class Presented:
    """Responses as a file has them.

    Attributes
    ----------
    values : float32 array (presentation, y, x, ms, site)
        NaN where nothing was recorded; row 0 is the top of the image.
    shown : data frame, one row each
        `image`, its name; `repeat`, where repeats are numbered; `started`, when a presentation began
        (s from the start of the session); and whatever else the file says of images.
    sites : data frame, one row each
        `site`, its name, and whatever else the file says of it.
    time : (start of the first bin, width of a bin) in ms from stimulus onset, or None
    rows_are_repeats : bool
        Whether presentations of one image are repeats although nothing numbers them.
    """

    values: np.ndarray
    shown: pd.DataFrame
    sites: pd.DataFrame
    time: tuple[float, float] | None = None
    rows_are_repeats: bool = True


def stated_time(entry: dict, where: str) -> tuple[float, float] | None:
    """Start of the first bin and width of a bin (ms) that an entry names; None if it names none."""
    time = entry.get("time")
    if time is None:
        return None
    if "bin" not in time:
        raise UserError(f"{where}: time: {time} lacks `bin`, the width of a time bin in ms")
    return float(time["start"]), float(time["bin"])


def to_recording(
    presented: Presented, entry: dict, pictures: Sequence[str], attributes: dict, where: str
) -> Recording:
    """The recording that presentations make, as the registry's `entry` of it says.

    Repeats of an image are averaged over those that exist and kept as trials. `pictures` are names of
    the files that were shown, which become names of the images. What was left out is counted in the
    attribute `left_out`. Raises `UserError` for everything that does not fit together.
    """
    presented, left_out = _choose_sites(presented, entry.get("sites", {}), where)
    presented, left_out["presentations"] = _without_empty(presented, where)
    _refuse_codes(presented, where)
    names = presented.shown["image"].astype(str)
    picture_of = matching.match(names, pictures, where)
    image_ids, image_of = np.unique(names.map(picture_of).map(composed), return_inverse=True)
    left_out["pictures"] = len(pictures) - len(image_ids)
    repeat_of = _repeats(presented, image_of, image_ids, where)
    trials = _placed(presented.values, image_of, repeat_of, len(image_ids))
    started = None
    if "started" in presented.shown:
        began = presented.shown["started"].to_numpy(float)
        started = _placed(began, image_of, repeat_of, len(image_ids))
    known = labels_of_images(presented.shown, image_of, entry, where)
    n_bins = presented.values.shape[3]
    stated = stated_reliability(presented.sites, n_bins, entry.get("reliability"), where)
    recording = Recording(
        _mean(trials),
        tuple(image_ids.tolist()),
        tuple(presented.sites["site"].astype(str)),
        _timed(attributes, presented) | {"image_labels": known} | stated,
        trials if trials.shape[-1] > 1 else None,
        started,
    )
    recording, incomplete = _complete(recording, entry.get("incomplete", INCOMPLETE[0]), where)
    noted = {"left_out": {k: n for k, n in (left_out | incomplete).items() if n}}
    recording = replace(recording, attributes=recording.attributes | noted)
    return checked(recording, where)


# --- sites and presentations ----------------------------------------------------------------------


def _choose_sites(presented: Presented, wanted: dict, where: str) -> tuple[Presented, dict]:
    chosen = select(presented.sites, wanted, where)
    n_left_out = int((~chosen).sum())
    if n_left_out:
        _log.info(f"{where}: {n_left_out} of {len(chosen)} sites do not fulfil {wanted}")
        sites = presented.sites[chosen].reset_index(drop=True)
        presented = replace(presented, values=presented.values[..., chosen], sites=sites)
    return presented, {"sites": n_left_out}


def _without_empty(presented: Presented, where: str) -> tuple[Presented, int]:
    """Presentations in which any site responded, and how many others there were."""
    recorded = np.isfinite(presented.values).any(axis=(1, 2, 3, 4))
    n_empty = int((~recorded).sum())
    if n_empty:
        if not recorded.any():
            raise UserError(f"{where}: holds no number at all; check that it is the right file")
        _log.warning(f"{where}: {n_empty} presentations have no response of any site: left out")
        shown = presented.shown[recorded].reset_index(drop=True)
        presented = replace(presented, values=presented.values[recorded], shown=shown)
    return presented, n_empty


def _refuse_codes(presented: Presented, where: str) -> None:
    """Raise `UserError` if the smallest or the largest response is a code for a missing one.

    That is a number of `CODES`, which is negative where no other is, or far beyond all others.
    """
    values = presented.values
    for code in {float(np.nanmin(values)), float(np.nanmax(values))} & set(CODES.tolist()):
        others = values[np.isfinite(values) & (values != np.float32(code))]
        if not others.size:
            continue
        far = abs(code) > _FAR * np.abs(others).max() or (code < 0 <= others.min())
        if far:
            rows, sites = np.nonzero((values == np.float32(code)).any(axis=(1, 2, 3)))
            image, site = (
                presented.shown["image"].iloc[rows[0]],
                presented.sites["site"].iloc[sites[0]],
            )
            raise UserError(
                f"{where}: the response {code:g}, which stands at {len(rows)} pairs of presentation and "
                f"site (first {image!r}, site {site!r}), looks like a code for a missing one: other "
                f"responses are {others.min():g} to {others.max():g}; write NaN there, leave the cell "
                "empty, or say it in the file (netCDF: `_FillValue`)"
            )


def _repeats(
    presented: Presented, image_of: np.ndarray, image_ids: np.ndarray, where: str
) -> np.ndarray:
    """Repeat (presentation,) of every presentation among those of its image, from 0."""
    counts = np.bincount(image_of)
    if "repeat" in presented.shown:
        given = presented.shown["repeat"]
        if given.isna().any():
            raise UserError(
                f"{where}: {int(given.isna().sum())} presentations have no repeat; number all"
            )
        numbers = np.unique(given.to_numpy(), return_inverse=True)[1]
        pairs = pd.DataFrame({"image": image_of, "repeat": numbers})
        if (twice := pairs.duplicated()).any():
            image = image_ids[image_of[np.argmax(twice)]]
            raise UserError(
                f"{where}: image {image!r} has two presentations of repeat "
                f"{given[np.argmax(twice)]!r}; every repeat of an image needs a number of its own"
            )
        return numbers
    if counts.max() > 1 and not presented.rows_are_repeats:
        shown = [str(name) for name in image_ids[counts > 1][:_MOST_NAMED]]
        raise UserError(
            f"{where}: {int((counts > 1).sum())} images have several rows: {shown}; delete those "
            "that are there by mistake. If they are repeats, write `repeats: true` into the "
            "recording's entry, or name the column that numbers them: `columns: {repeat: ...}`"
        )
    return pd.Series(image_of).groupby(image_of).cumcount().to_numpy()


def _placed(
    values: np.ndarray, image_of: np.ndarray, repeat_of: np.ndarray, n_images: int
) -> np.ndarray:
    """Values (presentation, ...) as (image, ..., repeat), NaN where there is none."""
    shape = (n_images, *values.shape[1:], int(repeat_of.max()) + 1)
    placed = np.full(shape, np.nan, values.dtype)
    placed[image_of, ..., repeat_of] = values
    return placed


def _mean(trials: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what exists, float32; NaN where nothing does."""
    present = ~np.isnan(trials)
    total = np.where(present, trials, 0).sum(axis=-1, dtype=np.float64)
    n_repeats = present.sum(axis=-1)
    mean = np.where(n_repeats > 0, total / np.maximum(n_repeats, 1), np.nan)
    return mean.astype(np.float32)


def _complete(recording: Recording, policy: str, where: str) -> tuple[Recording, dict[str, int]]:
    """The recording without incomplete sites or images, if that was asked for, and their number."""
    lacking = np.isnan(recording.responses).any(axis=(1, 2, 3))  # (image, site)
    if not lacking.any():
        return recording, {}
    if policy == INCOMPLETE[0]:
        image, site = np.argwhere(lacking)[0]
        raise UserError(
            f"{where}: {int(lacking.sum())} pairs of image and site have no response, the first "
            f"{recording.image_ids[image]!r} at {recording.site_ids[site]!r}. Leave out the "
            f"{int(lacking.any(0).sum())} sites or the {int(lacking.any(1).sum())} images that "
            f"lack some: `incomplete: {INCOMPLETE[1]}` or `incomplete: {INCOMPLETE[2]}` in the "
            "recording's entry"
        )
    images, sites = ~lacking.any(1), np.ones(lacking.shape[1], bool)
    if policy == INCOMPLETE[1]:
        images, sites = np.ones(len(lacking), bool), ~lacking.any(0)
    if not images.any() or not sites.any():
        raise UserError(
            f"{where}: incomplete: {policy!r}: none is complete; nothing would be left of this "
            "recording"
        )
    pick = np.flatnonzero(images)
    known = recording.attributes["image_labels"]
    labels = {name: [values[i] for i in pick] for name, values in known.items()}
    of_sites = {
        name: np.array(values)[sites].tolist()
        for name, values in recording.attributes.get("site_labels", {}).items()
    }
    trials, started = recording.trials, recording.started
    part = replace(
        recording,
        responses=recording.responses[pick][..., sites],
        image_ids=tuple(recording.image_ids[i] for i in pick),
        site_ids=tuple(np.array(recording.site_ids)[sites].tolist()),
        attributes=recording.attributes | {"image_labels": labels, "site_labels": of_sites},
        trials=None if trials is None else trials[pick][..., sites, :],
        started=None if started is None else started[pick],
    )
    counts = {"incomplete_images": int((~images).sum()), "incomplete_sites": int((~sites).sum())}
    return part, counts


# --- time ---------------------------------------------------------------------------------------


def _timed(attributes: dict, presented: Presented) -> dict:
    """Attributes with the start and width of the time bins, which a time axis must have."""
    if presented.time is None:
        if presented.values.shape[3] > 1:
            raise UserError(
                f"{presented.values.shape[3]} time bins, and nothing says when they are; write "
                "`time: {start: ..., bin: ...}` (ms from stimulus onset) into the recording's entry"
            )
        return attributes
    start, width = presented.time
    return {"ms_start": start, "ms_bin": width} | attributes
