"""How far viewers of a photograph of OSIE agree on where to look.

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

from collections.abc import Mapping

import numpy as np

from itcortex.numerics.ranks import correlate_ranks, partial, unit_ranks


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
