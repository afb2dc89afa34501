"""Rule render_report: one self-contained page with figures, tables, settings and an explorer."""

import json
from pathlib import Path

from itcortex import store
from itcortex.data.recordings import window_average
from itcortex.figures.style import CATEGORIES
from itcortex.files import atomic_path
from itcortex.report import page, pictures
from itcortex.report.run import Run
from itcortex.running import job, progress, stamp

PACKAGES = (*stamp.PACKAGES, "pandas", "matplotlib", "plotly")


def main(
    summary, scores, tradeoff, tradeoff_partial, harmonized, model_pairs, ceilings, alignment,
    orientation, models, rsa, attention, shortcut, figures, checks, check_figures, recordings, stimuli,
    predictions, photographs, examples, provenance, report, experiment, settings, registry, datasets,
    recording_names, photograph_sets, fingerprints,
):  # fmt: skip
    """Write the page; `figures` are PNG files that hold their captions.

    `checks` and `check_figures` are what was found in each recording, in their order.
    `rsa`, `attention` and `shortcut` are empty where the experiment has none. `recordings`, `stimuli`
    and `recording_names` are in one order; predictions hold the names of their recordings and models.
    `photograph_sets` names the set and reader of every file of `photographs`.
    """
    paths = {"summary": summary, "scores": scores, "tradeoff": tradeoff, "ceilings": ceilings}
    paths |= {"tradeoff_partial": tradeoff_partial, "harmonized": harmonized}
    paths |= {
        "model_pairs": model_pairs,
        "alignment": alignment,
        "orientation": orientation,
        "models": models,
    }
    optional = {"rsa": rsa, "attention": attention, "shortcut": shortcut}
    paths |= {name: path for name, path in optional.items() if path}
    looks = {
        name: {"label": look.label, "colour": look.colour, "marker": look.marker}
        for name, look in CATEGORIES.items()
    }
    run = Run(
        experiment, settings, datasets, registry, looks, stamp.versions(PACKAGES), fingerprints,
        json.loads(Path(provenance).read_text(encoding="utf-8")),
    )  # fmt: skip
    html = page.render(
        run,
        {name: store.read_table(path) for name, path in paths.items()},
        figures,
        maps(recordings, stimuli, predictions, recording_names),
        saliency(photographs, examples, photograph_sets),
        [json.loads(Path(path).read_text(encoding="utf-8")) for path in checks],
        check_figures,
    )
    with atomic_path(report) as path:
        path.write_text(html, encoding="utf-8")


def maps(recordings, stimuli, predictions, names) -> dict[str, dict]:
    """Maps of every recording with a grid, by its name."""
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


def saliency(photographs, examples, sets) -> dict[str, dict]:
    """Photographs of every attention set with the saliency of models, by the set's name."""
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


if __name__ == "__main__":
    job.run(main, snakemake)
