"""OSIE: where people look in photographs, measured by eye and by mouse, and how far they agree.

700 photographs of 800 x 600 pixels (Xu, Jiang, Wang, Kankanhalli & Zhao 2014): the fixations of 15
viewers, and the same photographs explored with a mouse that sharpens the picture where it is (Jiang,
Huang, Duan & Zhao 2015); here by the viewers in the laboratory (`mouse_lab`).

A map is the density of its points: a Gaussian around each, of 24 pixels, within a window of 7 standard
deviations, as in the data's own code (`params.eye.radius`, `fspecial`); every fixation counts 1,
whatever its duration. Pixels that nobody came near are 0. The map is computed at the centres of the
224 x 224 cells at which maps are compared, exactly, from the points' own coordinates.

How far viewers agree is in `osie_ceilings`.
"""

import io
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError  # noqa: N812 (an exception class)

import numpy as np
import pandas as pd
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from itcortex.data.images import image_size
from itcortex.data.photographs import MAP_SIDE, Photographs, without
from itcortex.data.published.osie_ceilings import agreement
from itcortex.errors import UserError
from itcortex.formats.matlab import require_plausible
from itcortex.formats.zips import open_archive
from itcortex.numerics.ranks import unit_ranks
from itcortex.running.progress import bar

_log = logging.getLogger(__name__)

SIGMA_PX = 24.0  # of the published maps, in pixels of the 800 x 600 photographs
WINDOW = 3.5  # standard deviations on every side of a point
_JPEG = (".jpg", ".jpeg")
_DAMAGE = (
    MatReadError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, EOFError,
    zlib.error, StructError,
)  # fmt: skip


@dataclass(frozen=True)
class Points:
    """Where viewers attended in one photograph.

    xy : float64 (point, 2), pixels from the photograph's left upper corner (half pixels are centres);
        NaN where a sample is missing, as eye trackers write it.
    viewers : int (point,), who each point is of.
    """

    xy: np.ndarray
    viewers: np.ndarray


def read_fixations(content: bytes, label: str) -> dict[str, Points]:
    """Eye fixations of every photograph in `fixations.mat` (given as bytes), by image id.

    Raises `UserError`, beginning with `label`, for a file that is not of that layout, and for one that
    has a photograph twice.
    """
    found = {}
    for one in np.atleast_1d(_load(content, label)):
        try:
            places = [np.c_[np.ravel(s.fix_x), np.ravel(s.fix_y)] for s in np.ravel(one.subjects)]
            viewers = np.repeat(np.arange(len(places)), [len(place) for place in places])
            name = _image_id(str(one.img))
            # MATLAB's pixel k reaches from k - .5 to k + .5
            points = Points(np.concatenate(places).astype(float) - 0.5, viewers)
        except _DAMAGE as error:
            raise _other_layout(label, "img and subjects with fix_x and fix_y", error) from error
        if name in found:
            raise UserError(f"{label}: holds {name} twice; write every photograph once")
        found[name] = points
    return found


def read_mouse(content: bytes, label: str) -> Points:
    """Mouse positions in one photograph, from its `.mat` file (given as bytes).

    The file holds them as (row, column). Every trial begins with the cursor in the middle of the
    photograph, where the experiment put it: that first position is left out. Raises as above.
    """
    table = _load(content, label)
    try:
        own = np.ravel(table.order) > 1
        row_column = np.asarray(table.coord, dtype=float).reshape(-1, 2)[own]
        return Points(row_column[:, ::-1] - 0.5, np.ravel(table.subj)[own].astype(int))
    except _DAMAGE as error:
        raise _other_layout(label, "subj, coord (row, column) and order", error) from error


def read_mouse_archive(archive: str | Path) -> dict[str, Points]:
    """Mouse positions by image id, from a zip with one `.mat` for each photograph.

    Raises as above, and for two files of one name.
    """
    with open_archive(archive) as members:
        names = [name for name in members.names if name.lower().endswith(".mat")]
        return {
            image: read_mouse(members.read(name), f"{archive}: {name}")
            for image, name in _by_image_id(archive, names).items()
        }


def read_jpegs(archive: str | Path) -> dict[str, bytes]:
    """Photographs of a zip, as they are in it, by image id; `UserError` for none and for two of one id.

    The id is the file name, with the ending `.jpg` however the ending is written (`.JPG`, `.jpeg`).
    """
    with open_archive(archive) as members:
        names = [name for name in members.names if name.lower().endswith(_JPEG)]
        if not names:
            raise UserError(f"{archive}: holds no .jpg; get it from its original source again")
        return {i: members.read(name) for i, name in _by_image_id(archive, names).items()}


def _by_image_id(archive: str | Path, names: list[str]) -> dict[str, str]:
    """Members of an archive by the id of their photograph; an error for two of one id."""
    found: dict[str, str] = {}
    for name in names:
        image = _image_id(f"{Path(name).stem}.jpg")
        if image in found:
            raise UserError(
                f"{archive}: {found[image]} and {name} are both of photograph {image}; pack every "
                "photograph once"
            )
        found[image] = name
    return found


def _image_id(name: str) -> str:
    """A photograph's file name; what fixations and photographs call it may differ in the ending."""
    path = Path(name)
    return f"{path.stem}.jpg" if path.suffix.lower() in _JPEG else name


def _load(content: bytes, label: str):
    try:
        require_plausible(content, label)
        loaded = loadmat(io.BytesIO(content), squeeze_me=True, struct_as_record=False)
        return loaded["fixations"]
    except UserError:
        raise
    except _DAMAGE as error:
        raise _other_layout(label, "a variable 'fixations'", error) from error


def _other_layout(label: str, wanted: str, error: Exception) -> UserError:
    return UserError(
        f"{label}: not a readable MATLAB file with {wanted} ({type(error).__name__}: {error}); "
        "get the file from its original source again"
    )


# --- maps -----------------------------------------------------------------------------------------


def viewer_maps(points: Points, size: tuple[int, int], sigma_px: float = SIGMA_PX) -> np.ndarray:
    """Density (viewer, 224, 224) of every viewer's points; their sum is the map of all of them.

    `size` is the photograph's (width, height) in pixels. The Gaussian's integral is not normalised:
    ranks do not need it.
    """
    cells = (np.arange(MAP_SIDE) + 0.5) / MAP_SIDE
    columns, rows = (
        _bump(cells[:, None] * side - points.xy[:, axis], sigma_px)
        for axis, side in enumerate(size)
    )
    whose = np.unique(points.viewers)
    return np.stack(
        [rows[:, points.viewers == k] @ columns[:, points.viewers == k].T for k in whose]
    )


def _bump(distance: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian of a distance, 0 outside of the window."""
    return np.where(np.abs(distance) > WINDOW * sigma, 0.0, np.exp(-(distance**2) / (2 * sigma**2)))


def prepare(
    jpegs: Mapping[str, bytes],
    points: Mapping[str, Mapping[str, Points]],
    sigma_px: float,
    splits: int,
    rng: np.random.Generator,
    name: str = "osie",
) -> tuple[Photographs, pd.DataFrame]:
    """Maps of every photograph, and the agreement of its viewers.

    Parameters
    ----------
    jpegs : photographs by image id, in order.
    points : {kind: {image id: Points}}; ids that are no photograph's are left out, and so are missing
        samples (NaN), whose number the log says: a photograph with no other has been seen by nobody.
    name : of the set, for messages.

    Returns the photographs, and ceilings: image, map_kind, ceiling_name, value, n_viewers. Raises
    `UserError` for no photograph, one without points, and a point outside of its photograph.
    """
    if not jpegs:
        raise UserError(f"attention: {name}: leave_out: no photograph is left; leave out fewer")
    points = {kind: _without_missing(jpegs, kind, of_kind) for kind, of_kind in points.items()}
    for kind, of_kind in points.items():
        _require_points(jpegs, kind, of_kind, name)
    stacked, rows = {}, []
    for kind, of_kind in points.items():
        whole = (viewer_maps(*_inside(i, jpegs[i], kind, of_kind), sigma_px).sum(0) for i in jpegs)
        stacked[kind] = np.stack([one.astype(np.float32) for one in whole])
    totals = {kind: maps.sum(0, dtype=np.float64) for kind, maps in stacked.items()}
    for index, (image, jpeg) in enumerate(bar(jpegs.items(), "ceilings", len(jpegs), "image")):
        viewers = {
            kind: viewer_maps(*_inside(image, jpeg, kind, of_kind), sigma_px)
            for kind, of_kind in points.items()
        }
        usual = {kind: unit_ranks(without(totals[kind], stacked[kind][index])) for kind in points}
        rows += [{"image": image} | row for row in agreement(viewers, usual, splits, rng)]
    return Photographs(tuple(jpegs), tuple(jpegs.values()), stacked), pd.DataFrame(rows)


def _without_missing(
    jpegs: Mapping[str, bytes], kind: str, points: Mapping[str, Points]
) -> dict[str, Points]:
    """The photographs' points without missing samples, which are no look; the log counts them."""
    found, missing = {}, {}
    for image in jpegs:
        if image in points:
            there = ~np.isnan(points[image].xy).any(1)
            found[image] = Points(points[image].xy[there], points[image].viewers[there])
            missing[image] = int((~there).sum())
    lacking = [image for image, count in missing.items() if count]
    if lacking:
        total = sum(len(points[image].xy) for image in found)
        _log.warning(
            f"{kind}: {sum(missing.values())} of {total} points are missing (NaN) and left out, in "
            f"{len(lacking)} photographs, the first {lacking[0]}"
        )
    return found


def _require_points(
    jpegs: Mapping[str, bytes], kind: str, points: Mapping[str, Points], name: str
) -> None:
    """An error for photographs that nobody attended to."""
    empty = [image for image in jpegs if image not in points or not len(points[image].xy)]
    if empty:
        raise UserError(
            f"attention: {name}: {empty[0]}: nobody attended to it ({kind}; {len(empty)} such "
            f"photographs); add leave_out: [{', '.join(empty)}] to the registry's entry "
            f"attention: {name}"
        )


def _inside(
    image: str, jpeg: bytes, kind: str, points: Mapping[str, Points]
) -> tuple[Points, tuple[int, int]]:
    """Points of a photograph and its size; an error if one lies outside."""
    size, found = image_size(jpeg, image, "photograph"), points[image]
    outside = ((found.xy < 0) | (found.xy > size)).any(1)
    if outside.any():
        x, y = found.xy[outside][0]
        raise UserError(
            f"{image}: {outside.sum()} {kind} points lie outside of its {size[0]} x {size[1]} pixels, "
            f"the first at x {x:g}, y {y:g}; is it the photograph that was shown?"
        )
    return found, size
