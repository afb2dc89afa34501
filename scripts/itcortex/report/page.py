"""One self-contained page: what was asked, what was found, figures, tables, settings.

The page loads nothing: images are embedded, style and script are inline, and its content security
policy forbids the rest: only scripts run whose digests it names, and none of them may evaluate text. It
holds no time stamp: same input, same bytes.
"""

import base64
import hashlib
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from PIL import Image
from plotly.offline import get_plotlyjs

from itcortex.errors import UserError
from itcortex.report import claims, findings, limits, methods, payload
from itcortex.report.recording_checks import for_page
from itcortex.report.run import Run
from itcortex.report.sections import SECTIONS
from itcortex.report.tables import (
    alignment_table,
    attention_table,
    ceiling_table,
    concept_encoding_table,
    concept_table,
    conditions_table,
    harmonized_table,
    orientation_table,
    pairs_table,
    partial_table,
    rsa_table,
    shortcut_table,
    summary_table,
    tradeoff_table,
)
from itcortex.tables import panels

_HERE = Path(__file__).parent
#: Scripts of the page in `assets`, in the order in which they run, in one scope.
SCRIPTS = ("text.js", "data.js", "statistics.js", "state.js", "paint.js", "plot.js", "tip.js",
           "rows.js", "small_plots.js", "model.js", "compare.js", "export.js", "sortable.js",
           "explore.js")  # fmt: skip
STYLE = "page.css"
TEMPLATE, MACROS = "page.html", "macros.html"
#: Where plotly's script registers its kinds of traces, and, as a group, the list of them.
_REGISTERED = re.compile(r"\.register\(\[((?:[\w$]+\(\),)+[\w$]+\(\))\]\)")

#: Larger figures, which show photographs, are put into the page as WebP; the file beside it stays whole.
LARGE_BYTES = 500_000
_QUALITY = 90


def embed(path: str | Path) -> dict:
    """A PNG as a data URI, with the title and caption that it holds, and both as alternative text.

    A file of more than `LARGE_BYTES` becomes a WebP image, a fifth of its size. Raises `UserError` for
    a file that is no PNG image or has no title.
    """
    path = Path(path)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            texts = image.text
        title, caption = texts["Title"], texts["Description"]
        if not title:
            raise KeyError("an empty Title")
    except (OSError, SyntaxError, KeyError) as error:
        raise UserError(
            f"{path}: not a PNG image with Title and Description ({error}); delete it, and the next "
            "run draws it again"
        ) from error
    content, kind = path.read_bytes(), "png"
    if len(content) > LARGE_BYTES:
        packed, kind = io.BytesIO(), "webp"
        image.convert("RGB").save(packed, "WEBP", quality=_QUALITY)  # its pixels are in memory
        content = packed.getvalue()
    data = base64.b64encode(content).decode()
    return {
        "name": path.stem, "title": title, "caption": caption, "alt": f"{title}. {caption}",
        "uri": f"data:image/{kind};base64,{data}",
    }  # fmt: skip


def render(
    run: Run,
    tables: dict[str, pd.DataFrame],
    figures: Sequence[str | Path] = (),
    maps: dict[str, dict] | None = None,
    saliency: dict[str, dict] | None = None,
    checks: Sequence[dict] = (),
    check_figures: Sequence[str | Path] = (),
) -> str:
    """The page as HTML.

    Parameters
    ----------
    tables : summary, scores, tradeoff, ceilings, alignment, orientation and models as the workflow
        writes them, model_pairs, harmonized and tradeoff_partial; rsa, attention, shortcut, conditions,
        concepts, concept_encoding, recording_pairs and shared_images where the experiment has them.
    checks, check_figures : what was found in every recording before any network was run, and its figure.
    figures : paths of PNG files that hold their titles and captions.
    maps, saliency : what `pictures` makes of every recording with a grid, and of sets of photographs.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    shown = _from_tables(tables) | _from_run(run, tables)
    shown["checks"] = [
        for_page(check, embed(path)) for check, path in zip(checks, check_figures, strict=True)
    ]
    sections = [one for one in SECTIONS if not one.needs or shown[one.needs]]
    content = payload.build(tables, run, maps or {}, saliency or {}, shown["methods"].works)
    scripts = [scatter_plotly(), page_script()]
    return environment.get_template(TEMPLATE).render(
        shown,
        sections=sections,
        figures=[embed(path) for path in figures],
        style=_asset(STYLE),
        scripts=scripts,
        macros=environment.get_template(MACROS).module,
        policy=policy(scripts),
        payload=as_data_block(content),
    )


def scatter_plotly() -> str:
    """plotly's own script, which sets up no kinds of traces but scatter, all that the page draws.

    The whole sets up some fifty kinds, maps and surfaces among them, each time that a page is opened,
    which takes a third of the time of opening. The last that the script does is to register them, as
    `registry.register([one(), another(), ...])`; the core has registered scatter before. Where a version
    of plotly does it in another way, the page gets the whole.
    """
    whole = get_plotlyjs()
    registered = list(_REGISTERED.finditer(whole))
    if len(registered) != 1:
        return whole
    start, stop = registered[0].span(1)
    return whole[:start] + whole[stop:]


def page_script() -> str:
    """The page's own scripts as one, in a scope of their own."""
    parts = "\n".join(_asset(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def policy(scripts: list[str]) -> str:
    """Content security policy: nothing is loaded, and of scripts only these run, by their digests."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )


def as_data_block(content: dict) -> str:
    """JSON that no browser can take for markup, whatever texts it holds."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


def _from_run(run: Run, tables: dict[str, pd.DataFrame]) -> dict:
    """What the templates show of settings and code."""
    return {
        "experiment": run.experiment,
        # the workflow's own kinds of mapping become plain ones, which YAML can write
        "settings": yaml.safe_dump(
            json.loads(json.dumps(run.settings)), sort_keys=False, allow_unicode=True, width=90
        ),
        "versions": run.versions,
        "datasets": {
            name: {key: entry.get(key, "") for key in ("licence", "citation")}
            for name, entry in run.datasets.items()
        },
        "fingerprints": run.fingerprints,
        "methods": methods.write(run.settings, tables, run.datasets, run.registry),
        "deviations": limits.deviations(run.settings),
    }


def _from_tables(tables: dict[str, pd.DataFrame]) -> dict:
    """What the templates show of the tables."""
    summary, tradeoff = tables["summary"], tables["tradeoff"]
    simulated = summary.simulated.astype(bool)
    everything = tradeoff.group == "all"
    between = [tables.get(name) for name in ("recording_pairs", "shared_images")]
    return {
        "simulated": [str(name) for name in summary[simulated].recording.unique()],
        "only_simulated": bool(simulated.all()),
        "claims": claims.by_claim(
            claims.of_run(summary, tradeoff, tables["harmonized"], tables.get("conditions"))
        ),
        "in_short": findings.in_short(summary, tradeoff),
        "recordings_found": [
            {
                "title": panel.title,
                "sentences": findings.sentences(panel, summary, tradeoff)
                + findings.from_others(panel, *between),
                "table": summary_table(panel, summary),
            }
            for panel in panels.of_summary(summary)
        ],
        "ceilings": ceiling_table(tables["ceilings"], summary),
        "recording_pairs": pairs_table(between[0]),
        "tradeoff": tradeoff_table(tradeoff[everything], "Over all baseline networks"),
        "by_category": tradeoff_table(
            tradeoff[~everything], "Per category, and with harmonized networks"
        ),
        "harmonized": harmonized_table(tables["harmonized"]),
        "partial": partial_table(tables["tradeoff_partial"]),
        "alignment": alignment_table(tables["alignment"]),
        "orientation": orientation_table(tables["orientation"]),
        "turned": findings.turned_grids(tables["orientation"]),
        "missing": missing_models(tables["models"]),
        "without_accuracy": findings.without_accuracy(tables["models"]),
        "limits": limits.limits(summary, tradeoff),
        "rsa": rsa_table(tables.get("rsa")),
        "concepts": concept_table(tables.get("concepts")),
        "concept_encoding": concept_encoding_table(tables.get("concept_encoding")),
        "attention": attention_table(tables.get("attention")),
        "shortcut": shortcut_table(tables.get("shortcut")),
        "conditions": conditions_table(tables.get("conditions")),
        "conditions_found": findings.human_maps(tables.get("conditions")),
    }


def missing_models(models: pd.DataFrame) -> list[str]:
    """Models of the table that have no scores, each with the reason."""
    rows = models[models["missing"] != ""]
    return [f"{row.model} {row.weights}: {row.missing}" for row in rows.itertuples()]
