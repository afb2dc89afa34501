"""One self-contained page: what was asked, what was found, figures, tables, settings.

The page loads nothing: images are embedded, style and script are inline, and its content security
policy forbids the rest. It holds no time stamp: same input, same bytes.
"""

import base64
import json
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from itcortex.errors import UserError
from itcortex.report import findings
from itcortex.report.tables import (
    alignment_table,
    attention_table,
    ceiling_table,
    orientation_table,
    rsa_table,
    shortcut_table,
    summary_table,
    tradeoff_table,
)
from itcortex.tables import panels

TEMPLATE = Path(__file__).with_name("page_template.html")
FIGURES = {
    "tradeoff": (
        "Predictivity against ImageNet accuracy",
        "One panel per recording, one marker per network; bars are 95 % bootstrap intervals over "
        "images and sites. Untrained networks stand at chance accuracy, left of the break; the grey "
        "band repeats their range. The dotted line is the control with shuffled images. A thick "
        "grey line, where there are at least five trained networks, is the convex upper frontier.",
    ),
    "layers": (
        "Predictivity of every layer",
        "Mean over folds with its standard error, against the layer's relative depth. Dots mark the "
        "layers that were chosen without the test images; the larger, the more folds chose them.",
    ),
    "maps": (
        "Recorded and predicted responses",
        "Maps over the photograph for images from the best to the worst predicted one, each map in "
        "standard deviations from its mean; ρ is the rank correlation of the site-averaged maps. "
        "Recordings without a grid show single sites instead: a point is an image.",
    ),
    "rsa": (
        "Geometry of layers, neurons and voxels",
        "Rank correlation of dissimilarities. Left: every layer by depth. Right: the layer that half of "
        "the images chose, scored on the others; hollow: the last layer. Grey band: noise ceiling over "
        "subjects. Dotted: the other species, a context and no ceiling.",
    ),
    "attention": (
        "What networks and people look at",
        "Mean rank correlation of saliency with human maps, as it is and with the mean map of the other "
        "photographs partialled out. Lines: what people reach among themselves, and what the centre of "
        "the picture alone reaches.",
    ),
    "shortcut": (
        "What harmonization changes: digits with a shortcut (SIMULATED)",
        "Above: test images with the place of the digit, and the maps of a baseline and a harmonized "
        "network by gradient and by covering. Below, over the strength of the harmonization, a point a "
        "seed: correct answers with the shortcut as in training and broken, agreement of the maps with "
        "the digit, and predictivity of simulated sites that read the digit only.",
    ),
    "training": (
        "Learning curves of {}",
        "One colour per strength of the harmonization, one line per seed; strength 0 is the baseline "
        "with the same recipe. Solid: validation images; dashed: training images.",
    ),
    "timecourse": (
        "Predictivity over time",
        "Score in every time window, at the window's centre, with 95 % bands. The yellow window is "
        "the one of all other results; the dashed line is the noise ceiling.",
    ),
}


def embed(path: str | Path, captions: dict[str, str]) -> dict:
    """A PNG as a data URI with its title, caption and alternative text."""
    path = Path(path)
    kind, _, rest = path.stem.partition("_")
    title, caption = FIGURES.get(path.stem) or FIGURES.get(kind, (path.stem, ""))
    title = title.format(rest)
    caption = captions.get(path.stem, caption)
    data = path.read_bytes()
    if not data.startswith(b"\x89PNG"):
        raise UserError(f"{path}: not a PNG image; delete it to make it anew")
    return {
        "name": path.stem, "title": title, "caption": caption, "alt": f"{title}. {caption}",
        "uri": "data:image/png;base64," + base64.b64encode(data).decode(),
    }  # fmt: skip


def render(
    tables: dict[str, pd.DataFrame],
    figures: list,
    experiment: str,
    settings: dict,
    *,
    versions: dict[str, str],
    fingerprints: dict[str, str],
    captions: dict[str, str],
    template: str | Path = TEMPLATE,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    tables : summary, tradeoff, ceilings, alignment, orientation and models as the workflow writes
        them; rsa, attention and shortcut where the experiment has them.
    figures : paths of PNG files; `captions` replaces captions by a file's stem.
    settings : the configuration of the run.
    versions, fingerprints : of packages and of the rules' code, by name.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(template).read_text(encoding="utf-8")).render(
        _from_tables(tables),
        experiment=experiment,
        figures=[embed(path, captions) for path in figures],
        # the workflow's own kinds of mapping become plain ones, which YAML can write
        settings=yaml.safe_dump(
            json.loads(json.dumps(settings)), sort_keys=False, allow_unicode=True, width=90
        ),
        versions=versions,
        fingerprints=fingerprints,
    )


def _from_tables(tables: dict[str, pd.DataFrame]) -> dict:
    """What the template shows of the tables."""
    summary, tradeoff = tables["summary"], tables["tradeoff"]
    simulated = summary.simulated.astype(bool)
    everything = tradeoff.group == "all"
    return {
        "simulated": [str(name) for name in summary[simulated].recording.unique()],
        "only_simulated": bool(simulated.all()),
        "in_short": findings.in_short(summary, tradeoff),
        "sections": [
            {
                "title": panel.title,
                "sentences": findings.sentences(panel, summary, tradeoff),
                "table": summary_table(panel, summary),
            }
            for panel in panels.of_summary(summary)
        ],
        "ceilings": ceiling_table(tables["ceilings"], summary),
        "tradeoff": tradeoff_table(tradeoff[everything], "Over all baseline networks"),
        "by_category": tradeoff_table(tradeoff[~everything], "Per category"),
        "alignment": alignment_table(tables["alignment"]),
        "orientation": orientation_table(tables["orientation"]),
        "turned": findings.turned_grids(tables["orientation"]),
        "missing": missing_models(tables["models"]),
        "rsa": rsa_table(tables.get("rsa")),
        "attention": attention_table(tables.get("attention")),
        "shortcut": shortcut_table(tables.get("shortcut")),
    }


def missing_models(models: pd.DataFrame) -> list[str]:
    """Models of the table that have no scores, each with the reason."""
    rows = models[models["missing"] != ""]
    return [f"{row.model} {row.weights}: {row.missing}" for row in rows.itertuples()]
