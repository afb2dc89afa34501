"""Simulated sessions in the format of the published archive."""

import io
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli
from itcortex.errors import UserError
from itcortex.files import atomic_path
from itcortex.formats.matlab import write_variables
from itcortex.formats.zips import add_file
from itcortex.simulation.arrays import SimulatedArray, record


@dataclass(frozen=True)
class Session:
    """One monkey's part of an archive: its .mat, its folder of images and what they hold."""

    mat: str
    folder: str
    recording: Recording
    stimuli: Stimuli


def record_session(
    mat: str, folder: str, shown: Stimuli, arrays: Sequence[SimulatedArray], repeats: int,
    rng: np.random.Generator,
) -> Session:  # fmt: skip
    """Record arrays side by side, as one monkey's part of an archive: see `record`."""
    responses = record(arrays, repeats, rng)
    sites = tuple(f"site-{index:02d}" for index in range(responses.shape[4]))
    return Session(mat, folder, Recording(responses, shown.image_ids, sites), shown)


def plan_sessions(arrays: Sequence[dict]) -> dict[tuple[str, str], list[str]]:
    """Names of the arrays of every session (mat, folder), in the order of their channels.

    Each of `arrays` has name, mat, folder and sites, its slice [start, stop) of the channels of
    the .mat. Raises `UserError` if slices leave a gap, overlap or do not begin at 0, and if a .mat
    has two folders of images or a folder two .mat.
    """
    sessions: dict[tuple[str, str], list[str]] = {}
    used: dict[tuple[str, str], int] = {}
    for array in sorted(arrays, key=lambda array: array["sites"][0]):
        key = (array["mat"], array["folder"])
        start, stop = array["sites"]
        if start != used.get(key, 0) or stop <= start:
            raise UserError(
                f"simulated array {array['name']!r}: sites [{start}, {stop}) of {array['mat']} must "
                f"follow the {used.get(key, 0)} channels before them without gap or overlap"
            )
        sessions.setdefault(key, []).append(array["name"])
        used[key] = stop
    for kind, names in zip(("mat", "folder"), zip(*sessions, strict=True), strict=True):
        if len(set(names)) < len(names):
            raise UserError(
                f"simulated arrays: one {kind} in several sessions {sorted(sessions)}; every .mat "
                "needs its own folder of images"
            )
    return sessions


def write_arcaro_archive(path: str | Path, sessions: Iterable[Session]) -> None:
    """Write recordings and images in the layout of the published archive (Arcaro et al. 2020).

    Per session a .mat with `imageRF` (x, y, ms, channel, image), float32, both spatial axes
    reversed with respect to the image, and `UniqueNames`, Windows paths; and a folder of PNG
    files. The same input gives the same bytes.
    """
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as handle,
    ):
        for session in sessions:
            recording = session.recording
            windows_folder = f"C:\\Stimuli\\{Path(session.folder).name}"
            variables = {
                "imageRF": recording.responses.transpose(1, 2, 3, 4, 0)[::-1, ::-1],
                "UniqueNames": [f"{windows_folder}\\{name}" for name in recording.image_ids],
            }
            with tempfile.TemporaryFile(dir=Path(path).parent) as stream:
                write_variables(stream, variables)
                add_file(handle, session.mat, stream)
            for name, image in zip(session.stimuli.image_ids, session.stimuli.images, strict=True):
                content = io.BytesIO()
                Image.fromarray(image).save(content, format="png")
                content.seek(0)
                add_file(handle, f"{session.folder}/{name}", content)
