"""Rule render_report: one self-contained page with figures, tables, settings and an explorer."""

import json
from pathlib import Path

from itcortex import store
from itcortex.figures.style import LOOKS
from itcortex.files import atomic_path
from itcortex.report import page
from itcortex.report.picture_files import read_maps, read_saliency
from itcortex.report.run import Run
from itcortex.running import job, stamp

PACKAGES = (*stamp.PACKAGES, "pandas", "matplotlib", "plotly")


def main(
    summary, scores, tradeoff, tradeoff_partial, harmonized, model_pairs, ceilings, alignment,
    orientation, models, rsa, attention, shortcut, unique_variance, concepts, concept_encoding,
    conditions, recording_pairs, shared_images, figures, checks,
    check_figures, recordings, stimuli, predictions, photographs, examples, provenance, report,
    experiment, settings, registry, datasets, recording_names, photograph_sets, fingerprints,
):  # fmt: skip
    """Write the page; `figures` are PNG files that hold their captions.

    `checks` and `check_figures` are what was found in each recording, in their order.
    `rsa`, `attention`, `shortcut`, and tables of pairs and of concepts are empty where the experiment
    has none.
    `recordings`, `stimuli` and `recording_names` are in one order; predictions hold the names of
    their recordings and models.
    `photograph_sets` names the set and reader of every file of `photographs`.
    """
    paths = {
        "summary": summary, "tradeoff": tradeoff, "ceilings": ceilings,
        "tradeoff_partial": tradeoff_partial, "harmonized": harmonized, "model_pairs": model_pairs,
        "alignment": alignment, "orientation": orientation, "models": models, "rsa": rsa,
        "attention": attention, "shortcut": shortcut, "recording_pairs": recording_pairs,
        "shared_images": shared_images, "unique_variance": unique_variance, "concepts": concepts,
        "concept_encoding": concept_encoding, "conditions": conditions,
    }  # fmt: skip
    looks = {
        name: {"label": look.label, "colour": look.colour, "marker": look.marker}
        for name, look in LOOKS.items()
    }
    run = Run(
        experiment, settings, datasets, registry, looks, stamp.versions(PACKAGES), fingerprints,
        json.loads(Path(provenance).read_text(encoding="utf-8")),
    )  # fmt: skip
    html = page.render(
        run,
        {name: store.read_table(path) for name, path in paths.items() if path}
        | {"scores": store.read_rows(scores, control="none", main_window=True)},
        figures,
        read_maps(recordings, stimuli, predictions, recording_names),
        read_saliency(photographs, examples, photograph_sets),
        [json.loads(Path(path).read_text(encoding="utf-8")) for path in checks],
        check_figures,
    )
    with atomic_path(report) as path:
        path.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    job.run(main, snakemake)
