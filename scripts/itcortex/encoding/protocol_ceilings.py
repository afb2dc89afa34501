"""The noise ceilings of each protocol."""

from collections.abc import Callable

import numpy as np

from itcortex.data.recordings import trial_average
from itcortex.encoding import ceilings
from itcortex.mappings import brainscore


def _ceilings_on_folds(recording, window, division, splits, rng, noise_free):
    used = np.flatnonzero(division.group_of >= 0)
    if len(used) < division.n_images:
        recording = recording.of_images(used)
        noise_free = None if noise_free is None else noise_free[used]
    fold_of = division.tested_in[used]
    return ceilings.estimate_ceilings(recording, window, fold_of, splits, rng, noise_free)


def _ceilings_on_splits(recording, window, division, splits, rng, noise_free):
    return brainscore.ceilings(trial_average(recording, window)[:, 0, 0], len(division))


#: (recording, window, division, splits, rng, noise_free) -> values (split,) by ceiling, by the name of
#: the protocol.
CEILINGS: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    "corrected": _ceilings_on_folds,
    "reference": _ceilings_on_folds,
    "brainscore": _ceilings_on_splits,
}
