"""MATLAB files with the layout of Kriegeskorte et al. 2008, and RDMs whose answer is known."""

import numpy as np
from scipy.io import savemat

from itcortex.data.rdms import Rdms, upper
from itcortex.similarity.geometry import rdm

ATTRIBUTES = {"species": "macaque", "area": "IT", "measure": "1 - r", "simulated": True}


def structs(shape, elements: list[dict]) -> np.ndarray:
    """A struct array as scipy writes it; elements row by row."""
    array = np.empty(shape, dtype=[(name, object) for name in elements[0]])
    for index, element in zip(np.ndindex(*shape), elements, strict=True):
        array[index] = tuple(element.values())
    return array


def write_published(path, images, groups: dict, sessions: dict) -> None:
    """One file with what the two published ones hold: images, `groups` and `sessions` of RDM pairs.

    `groups` are triangles as rows, `sessions` square matrices in an array (1, subject, session).
    """
    shown = [{"category": "a thing", "image": image} for image in images]
    triangles = [{"name": k, "color": np.zeros(3), "RDM": v[None]} for k, v in groups.items()]
    matrices = [
        {"RDM": square(v).astype(np.float32), "name": k, "color": np.zeros(3)}
        for k, v in sessions.items()
    ]
    variables = {
        "stimuli_92objs": structs((1, len(shown)), shown),
        "RDMs_mIT_hIT_fig1": structs((1, len(triangles)), triangles),
        "RDMs": structs((1, len(matrices) // 2, 2), matrices),
        "categoryVectors": np.eye(3),
    }
    savemat(path, variables)


def square(pairs) -> np.ndarray:
    """Matrix of pairs, filled by a loop that says what their order is."""
    n = int((1 + np.sqrt(1 + 8 * len(pairs))) / 2)
    matrix, remaining = np.zeros((n, n)), iter(pairs)
    for i in range(n):
        for j in range(i + 1, n):
            matrix[i, j] = matrix[j, i] = next(remaining)
    return matrix


def ids(count: int) -> tuple[str, ...]:
    """Names that the reader gives to images."""
    return tuple(f"object-{k:02d}" for k in range(1, count + 1))


def noisy_subjects(rng, truth: np.ndarray, noise: float, subjects: int = 4) -> Rdms:
    """RDMs of subjects, two sessions each, that see patterns `truth` (image, unit) with noise."""
    values = [
        upper(rdm(truth + noise * rng.standard_normal(truth.shape))) for _ in range(2 * subjects)
    ]
    names = tuple(f"S{k // 2}" for k in range(2 * subjects))
    return Rdms(np.array(values), ids(len(truth)), names, ATTRIBUTES)
