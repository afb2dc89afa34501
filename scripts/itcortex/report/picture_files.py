"""The page's pictures from the files of a run: maps of recordings, saliency on photographs."""

from collections.abc import Sequence
from pathlib import Path

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.report import pictures
from itcortex.running import progress


def read_maps(
    recordings: Sequence[str | Path],
    stimuli: Sequence[str | Path],
    predictions: Sequence[str | Path],
    names: Sequence[str],
) -> dict[str, dict]:
    """Maps of every recording with a grid, by its name.

    `recordings`, `stimuli` and `names` are in one order; predictions say whose they are.
    """
    about = {path: store.read_attributes(path) for path in predictions}
    found = {}
    for name, recorded, images in zip(names, recordings, stimuli, strict=True):
        recording = store.read_recording(recorded)
        if recording.responses[0, :, :, 0, 0].size == 1:
            continue
        own = [path for path in predictions if about[path]["recording"] == name]
        shown = store.read_stimuli(images)
        found[name] = pictures.of_recording(
            window_average(recording, about[own[0]]["window"] if own else None),
            recording.image_ids,
            dict(zip(shown.image_ids, shown.images, strict=True)),
            (
                (_name(about[path]), store.read_recording(path).responses[:, :, :, 0].astype(float))
                for path in progress.bar(own, f"maps of {name}", unit="model")
            ),
        )
    return found


def read_saliency(
    photographs: Sequence[str | Path],
    examples: Sequence[str | Path],
    sets: Sequence[tuple[str, str]],
) -> dict[str, dict]:
    """Photographs of every attention set with the saliency of models, by the set's name.

    `sets` has the name and the reader of every file of `photographs`; examples say whose they are.
    """
    read = [store.read_arrays(path) for path in examples]
    found = {}
    for path, (name, data_format) in zip(photographs, sets, strict=True):
        own = [
            (_name(attributes), list(attributes["image_ids"]), arrays["saliency"])
            for arrays, attributes in read
            if attributes["attention"] == name
        ]
        found[name] = pictures.of_attention(store.read_attention(path, data_format), own)
    return found


def _name(attributes: dict) -> str:
    return f"{attributes['model']} {attributes['weights']}"
