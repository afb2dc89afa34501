"""Photographs to train on and photographs held out, and the maps that each condition trains with.

The conditions differ in nothing but the map that a photograph is trained with:

human
    the map of where people attended to it;
of_others
    the map of another of the training photographs: as human in every way, and about something else;
mean
    the mean map of all training photographs, the same for each: mostly the centre.
"""

import hashlib
from pathlib import Path

import numpy as np

from itcortex.data.photographs import Photographs
from itcortex.errors import UserError

CONDITIONS = ("human", "of_others", "mean")
LEAST_HELD_OUT = 10  # photographs; on fewer, no agreement with people can be told from chance


def held_out(
    photographs: Photographs, count: int, rng: np.random.Generator, name: str, source: str | Path
) -> np.ndarray:
    """Which of the photographs, bool (image,), are held out: `count` of them, drawn at random.

    Raises `UserError` for fewer than 10 held-out or 2 training photographs, and naming two photographs
    that are one file, which would stand on both sides, and one whose map has one value everywhere or
    values that are not finite. The messages name the attention set that is held out, `name`, and the
    file of the whole set, `source`.
    """
    total = len(photographs.image_ids)
    where = f"attention: {name}: held_out: photographs: {count} of the {total} in {source}"
    if count < LEAST_HELD_OUT:
        raise UserError(
            f"{where}; hold out at least {LEAST_HELD_OUT}, as on fewer no agreement with people can be "
            "told from chance"
        )
    if total - count < 2:
        raise UserError(
            f"{where} leave {max(total - count, 0)} to train on, and at least 2 are needed; hold out "
            "fewer"
        )
    _require_different(photographs, source)
    _require_maps(photographs, source)
    chosen = np.zeros(total, bool)
    chosen[rng.permutation(total)[:count]] = True
    return chosen


def part_of(photographs: Photographs, chosen: np.ndarray) -> Photographs:
    """Those of the photographs that are chosen, bool (image,), in their order."""
    places = np.flatnonzero(chosen)
    labels = photographs.labels
    return Photographs(
        tuple(photographs.image_ids[k] for k in places),
        tuple(photographs.jpegs[k] for k in places),
        {kind: maps[places] for kind, maps in photographs.maps.items()},
        None if labels is None else labels[places],
        photographs.reference_resize,
    )


def maps_of_conditions(maps: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Maps (image, row, column) of the training photographs under every condition."""
    mean = maps.mean(0, dtype=np.float64).astype(maps.dtype)
    others = maps[derangement(len(maps), rng)]
    return {"human": maps, "of_others": others, "mean": np.broadcast_to(mean, maps.shape)}


def derangement(count: int, rng: np.random.Generator) -> np.ndarray:
    """A random order of `count` (at least 2) in which nothing is where it was, all equally likely."""
    while True:
        order = rng.permutation(count)
        if not (order == np.arange(count)).any():
            return order


def _require_different(photographs: Photographs, source: str | Path) -> None:
    first: dict[str, str] = {}
    for image, jpeg in zip(photographs.image_ids, photographs.jpegs, strict=True):
        known = first.setdefault(hashlib.sha256(jpeg).hexdigest(), image)
        if known != image:
            raise UserError(
                f"{source}: {image} is the same photograph as {known}, and could be trained on and held "
                f"out at once; {_remedy([image], source)}"
            )


def _require_maps(photographs: Photographs, source: str | Path) -> None:
    for kind, maps in photographs.maps.items():
        bad = np.flatnonzero(~np.isfinite(maps).all((1, 2)))
        if len(bad):
            names = [photographs.image_ids[k] for k in bad]
            raise UserError(
                f"{source}: {names[0]}: its {kind} map has values that are not finite ({len(bad)} such "
                f"photographs); delete {source} to make it anew, or {_remedy(names, source)}"
            )
        flat = np.flatnonzero(maps.min((1, 2)) == maps.max((1, 2)))
        if len(flat):
            names = [photographs.image_ids[k] for k in flat]
            raise UserError(
                f"{source}: {names[0]}: its {kind} map is {maps[flat[0]].max():g} everywhere and does "
                f"not say where people attended ({len(flat)} such photographs); {_remedy(names, source)}"
            )


def _remedy(names: list[str], source: str | Path) -> str:
    """How photographs are left out of the whole set, whose file is named after it."""
    entry = f"attention: {Path(source).stem}"
    return f"add leave_out: [{', '.join(names)}] to the registry's entry {entry}"
