"""Curves over the number of sites: what few sites of a recording tell of another one.

A recording has the sites that an array happened to hold. Would more of them predict another recording
better? The curve of the score over the number of sites that are drawn still rises at its end, or it has
levelled off. Nothing is extrapolated.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from itcortex.encoding.pair_scores import Fitter, features_of
from itcortex.encoding.recording_pairs import Pairing, Shown
from itcortex.numerics.metrics import predictivity

COLUMNS = ["ceiling_name", "mapping", "n_source_sites", "draw", "r"]


def counts_of(n_sites: int) -> list[int]:
    """Powers of two below `n_sites`, and `n_sites` itself."""
    return sorted({2**k for k in range(n_sites.bit_length()) if 2**k < n_sites} | {n_sites})


def curve(
    pairing: Pairing,
    mapping: str,
    fit: Fitter,
    pool: int,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Score of one pair from every number of source sites, `draws` times; from all of them once.

    Sites are drawn without replacement among those of all sources. The target is in its main window.

    Returns
    -------
    Columns `COLUMNS`; r is the mean over folds of the median over sites.
    """
    responses = pairing.target.responses[pairing.images][None]
    sizes = [source.responses.shape[3] for source in pairing.sources]
    rows = []
    for count in counts_of(sum(sizes)):
        for draw in range(1 if count == sum(sizes) else draws):
            chosen = np.sort(rng.permutation(sum(sizes))[:count])
            some = replace(pairing, sources=_of_sites(pairing.sources, chosen))
            result = fit(features_of(some, pool), responses, pairing.division)
            r = float(predictivity(result.metrics["r"][0]))
            rows.append((pairing.ceiling_name, mapping, count, draw, r))
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_sites(sources: tuple[Shown, ...], chosen: np.ndarray) -> tuple[Shown, ...]:
    """Sources with some sites (index over the sites of all sources, side by side) alone."""
    parts, start = [], 0
    for source in sources:
        end = start + source.responses.shape[3]
        own = chosen[(chosen >= start) & (chosen < end)] - start
        if len(own):
            names = tuple(source.sites[k] for k in own)
            parts.append(replace(source, responses=source.responses[..., own], sites=names))
        start = end
    return tuple(parts)
