"""OSIE: where people look in photographs, measured by eye and by mouse, and how far they agree.

700 photographs of 800 x 600 pixels (Xu, Jiang, Wang, Kankanhalli & Zhao 2014): the fixations of 15
viewers, and the same photographs explored with a mouse that sharpens the picture where it is (Jiang,
Huang, Duan & Zhao 2015); here by the viewers in the laboratory (`mouse_lab`).

A map is the density of its points: a Gaussian around each, of 24 pixels, within a window of 7 standard
deviations, as in the data's own code (`params.eye.radius`, `fspecial`); every fixation counts 1,
whatever its duration. Pixels that nobody came near are 0. The map is computed at the centres of the
224 x 224 cells at which maps are compared, exactly, from the points' own coordinates.

Ceilings, one number for each photograph and kind of map:

half_half
    Spearman rho of the maps of two random halves of the viewers, mean over splits. This is how
    ClickMe's inter-human number is made, so that ratios can be compared.
split_half
    The same corrected to all viewers by Spearman-Brown: the reliability of the whole map.
split_half_bound
    Its square root: the highest correlation that a model can have with the whole map.
half_half_partial
    half_half with the mean map of all *other* photographs regressed out of both halves (on ranks):
    what people agree on beyond the usual places. The ceiling of `rho_partial`.
one_viewer
    Each viewer's map with that of all others, mean over viewers.
other_map
    The whole map with that of the other kind: eye with mouse.
"""

import io
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
from itcortex.errors import UserError
from itcortex.formats.matlab import require_plausible
from itcortex.formats.zips import open_archive
from itcortex.numerics.ranks import correlate_ranks, partial, unit_ranks
from itcortex.running.progress import bar

SIGMA_PX = 24.0  # of the published maps, in pixels of the 800 x 600 photographs
WINDOW = 3.5  # standard deviations on every side of a point
_DAMAGE = (
    MatReadError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, EOFError,
    zlib.error, StructError,
)  # fmt: skip


@dataclass(frozen=True)
class Points:
    """Where viewers attended in one photograph.

    xy : float64 (point, 2), pixels from the photograph's left upper corner (half pixels are centres).
    viewers : int (point,), who each point is of.
    """

    xy: np.ndarray
    viewers: np.ndarray


def read_fixations(content: bytes, label: str) -> dict[str, Points]:
    """Eye fixations of every photograph in `fixations.mat` (given as bytes), by file name.

    Raises `UserError`, beginning with `label`, for a file that is not of that layout.
    """
    found = {}
    for one in np.atleast_1d(_load(content, label)):
        try:
            places = [np.c_[np.ravel(s.fix_x), np.ravel(s.fix_y)] for s in np.ravel(one.subjects)]
            viewers = np.repeat(np.arange(len(places)), [len(place) for place in places])
            # MATLAB's pixel k reaches from k - .5 to k + .5
            found[str(one.img)] = Points(np.concatenate(places).astype(float) - 0.5, viewers)
        except _DAMAGE as error:
            raise _other_layout(label, "img and subjects with fix_x and fix_y", error) from error
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
    """Mouse positions by file name of the photograph, from a zip with one `.mat` for each photograph."""
    with open_archive(archive) as members:
        names = [name for name in members.names if name.endswith(".mat")]
        return {
            f"{Path(name).stem}.jpg": read_mouse(members.read(name), f"{archive}: {name}")
            for name in names
        }


def read_jpegs(archive: str | Path) -> dict[str, bytes]:
    """Photographs of a zip, as they are in it, by file name; `UserError` if it has none."""
    with open_archive(archive) as members:
        names = [name for name in members.names if name.lower().endswith((".jpg", ".jpeg"))]
        if not names:
            raise UserError(f"{archive}: holds no .jpg; get it from its original source again")
        return {Path(name).name: members.read(name) for name in names}


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
    points : {kind: {image id: Points}}; ids that are no photograph's are left out.
    name : of the set, for messages.

    Returns the photographs, and ceilings: image, map_kind, ceiling_name, value, n_viewers. Raises
    `UserError` for no photograph, one without points, and a point outside of its photograph.
    """
    if not jpegs:
        raise UserError(f"attention: {name}: leave_out: no photograph is left; leave out fewer")
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


# --- ceilings -------------------------------------------------------------------------------------


def agreement(
    viewers: Mapping[str, np.ndarray],
    usual: Mapping[str, np.ndarray | None],
    splits: int,
    rng: np.random.Generator,
) -> list[dict]:
    """Every ceiling of one photograph; NaN for one viewer.

    Parameters
    ----------
    viewers : {kind: maps (viewer, 224, 224)}.
    usual : {kind: `unit_ranks` of the mean map of the other photographs, or None without any}.
    """
    rows = []
    whole = {kind: unit_ranks(maps.sum(0)) for kind, maps in viewers.items()}
    for kind, maps in viewers.items():
        half, rest = half_half(maps, usual[kind], splits, rng)
        full = 2 * half / (1 + half)
        found = {
            "half_half": half,
            "half_half_partial": rest,
            "split_half": full,
            "split_half_bound": np.sqrt(full) if full >= 0 else np.nan,
            "one_viewer": one_viewer(maps),
        }
        if others := [
            correlate_ranks(whole[kind], whole[other]) for other in viewers if other != kind
        ]:
            found["other_map"] = float(np.mean(others))
        rows += [
            {"map_kind": kind, "ceiling_name": name, "value": value, "n_viewers": len(maps)}
            for name, value in found.items()
        ]
    return rows


def half_half(
    maps: np.ndarray, usual: np.ndarray | None, splits: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Mean over random splits of the rho between the maps (viewer, row, column) of two halves.

    The second number is the partial rho, without what both share with `usual` (`unit_ranks`).
    """
    half, found = len(maps) // 2, []
    if not half:
        return np.nan, np.nan
    for _ in range(splits):
        order = rng.permutation(len(maps))
        a, b = (unit_ranks(maps[part].sum(0)) for part in (order[:half], order[half:]))
        rho = correlate_ranks(a, b)
        found.append((rho, partial(rho, correlate_ranks(a, usual), correlate_ranks(b, usual))))
    rho, rest = np.mean(found, axis=0)
    return float(rho), float(rest)


def one_viewer(maps: np.ndarray) -> float:
    """Mean over viewers of the rho between a viewer's map and that of all others."""
    if len(maps) < 2:
        return np.nan
    # summed anew for each: a difference of sums is not exactly 0 where nobody looked
    pairs = ((maps[k], np.delete(maps, k, axis=0).sum(0)) for k in range(len(maps)))
    return float(
        np.mean([correlate_ranks(unit_ranks(own), unit_ranks(rest)) for own, rest in pairs])
    )
