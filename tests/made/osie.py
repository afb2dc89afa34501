"""Files with the layout of OSIE: photographs, eye fixations, mouse positions."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat


def fixations(photographs) -> bytes:
    """`fixations.mat` of {file name: [viewer's (x, y) list]}, nested as the published one."""
    cells = np.empty((len(photographs), 1), dtype=object)
    for k, (name, viewers) in enumerate(photographs.items()):
        subjects = np.empty((len(viewers), 1), dtype=object)
        for j, places in enumerate(viewers):
            x, y = np.array(places, dtype=float).T
            subjects[j, 0] = {"fix_x": x, "fix_y": y, "fix_duration": np.full(len(x), 200)}
        cells[k, 0] = {"img": name, "subjects": subjects}
    content = io.BytesIO()
    savemat(content, {"fixations": cells})
    return content.getvalue()


def mouse(viewers) -> bytes:
    """A mouse file of [viewer's (row, column) list]."""
    table = {
        "subj": np.repeat(np.arange(1, len(viewers) + 1), [len(v) for v in viewers])[:, None],
        "coord": np.concatenate(viewers).astype(np.uint16),
        "order": np.concatenate([np.arange(1, len(v) + 1) for v in viewers])[:, None],
    }
    content = io.BytesIO()
    savemat(content, {"fixations": table})
    return content.getvalue()


def write_published(folder: Path, numbers: range, rng: np.random.Generator) -> None:
    """The files as they are published, of made photographs: noise with a bright square.

    Three viewers look at it, five times each, and move the mouse there from the middle.
    """
    size, side = (160, 120), 40
    for name in ("stimuli", "mouse_lab"):
        (folder / name).mkdir(parents=True)
    looked = {}
    for number in numbers:
        left, top = (int(rng.integers(length - side)) for length in size)
        pixels = rng.integers(0, 160, (*size[::-1], 3))
        pixels[top : top + side, left : left + side] += rng.integers(40, 96, 3)
        picture = Image.fromarray(pixels.astype(np.uint8))
        picture.save(folder / "stimuli" / f"{number}.jpg")
        middle = np.array([left, top]) + side / 2
        eye, hand = np.clip(middle + rng.normal(0, 8, (2, 3, 5, 2)), 1, np.array(size) - 1)
        looked[f"{number}.jpg"] = list(eye)
        began = np.array([[size[1] / 2, size[0] / 2]])
        moved = [np.concatenate([began, one[:, ::-1]]) for one in hand]
        (folder / "mouse_lab" / f"{number}.mat").write_bytes(mouse(moved))
    (folder / "fixations.mat").write_bytes(fixations(looked))
