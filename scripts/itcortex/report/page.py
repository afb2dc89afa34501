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
from PIL import Image

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


def embed(path: str | Path) -> dict:
    """A PNG as a data URI, with the title and caption that it holds, and both as alternative text.

    Raises `UserError` for a file that is no PNG image or has no title.
    """
    path = Path(path)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            texts = image.text
        title, caption = texts["Title"], texts["Description"]
    except (OSError, SyntaxError, KeyError) as error:
        raise UserError(
            f"{path}: not a PNG image with Title and Description ({error}); delete it, and the next "
            "run draws it again"
        ) from error
    data = base64.b64encode(path.read_bytes()).decode()
    return {
        "name": path.stem, "title": title, "caption": caption, "alt": f"{title}. {caption}",
        "uri": f"data:image/png;base64,{data}",
    }  # fmt: skip


def render(
    tables: dict[str, pd.DataFrame],
    figures: list,
    experiment: str,
    settings: dict,
    *,
    versions: dict[str, str],
    fingerprints: dict[str, str],
    template: str | Path = TEMPLATE,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    tables : summary, tradeoff, ceilings, alignment, orientation and models as the workflow writes
        them; rsa, attention and shortcut where the experiment has them.
    figures : paths of PNG files that hold their titles and captions.
    settings : the configuration of the run.
    versions, fingerprints : of packages and of the rules' code, by name.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(template).read_text(encoding="utf-8")).render(
        _from_tables(tables),
        experiment=experiment,
        figures=[embed(path) for path in figures],
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
        "without_accuracy": findings.without_accuracy(tables["models"]),
        "rsa": rsa_table(tables.get("rsa")),
        "attention": attention_table(tables.get("attention")),
        "shortcut": shortcut_table(tables.get("shortcut")),
    }


def missing_models(models: pd.DataFrame) -> list[str]:
    """Models of the table that have no scores, each with the reason."""
    rows = models[models["missing"] != ""]
    return [f"{row.model} {row.weights}: {row.missing}" for row in rows.itertuples()]
