"""How each protocol divides the images of a recording into training and test images."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from itcortex.data.recordings import Recording
from itcortex.mappings import brainscore
from itcortex.mappings.folds import Division, assign_folds
from itcortex.mappings.kinds import Kinds


def divide_into_folds(recording: Recording, folds: str | int, seed: int) -> Division:
    """Folds of the images, drawn by `seed` (see `itcortex.mappings.folds.assign_folds`)."""
    n_positions = recording.responses.shape[1] * recording.responses.shape[2]
    fold_of = assign_folds(recording.pictures, folds, np.random.default_rng(seed), n_positions)
    return Division.into_folds(fold_of, recording.pictures, Kinds.of(recording.kinds))


def divide_as_brainscore(recording: Recording, folds: str | int, seed: int) -> Division:
    """Brain-Score's ten splits, balanced over objects; its number and seed are fixed."""
    division = brainscore.divide(recording.labels(brainscore.STRATIFIED_BY), recording.pictures)
    return replace(division, kinds=Kinds.of(recording.kinds))


#: (recording, folds, seed) -> Division, by the name of the protocol.
DIVISIONS: dict[str, Callable[[Recording, str | int, int], Division]] = {
    "corrected": divide_into_folds,
    "reference": divide_into_folds,
    "brainscore": divide_as_brainscore,
}
