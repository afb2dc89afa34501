"""Pages of the documentation that are made from other files: settings, columns, licences, top pages."""

import re
from pathlib import Path

import yaml

from itcortex.tables import dictionary

FOLDER = "_generated"
#: Pages above docs/ that have a copy among the generated ones.
ABOVE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def write_pages(docs: Path) -> None:
    """Write every generated page that has changed."""
    top = docs.parent
    pages = {
        "settings.md": settings_page(_yaml(top / "rules" / "schemas" / "config.schema.yaml")),
        "registry.md": settings_page(
            _yaml(top / "rules" / "schemas" / "datasets.schema.yaml"),
            "Entries of the registry",
            "What `experiments/datasets.yaml` may say, from its schema. "
            "[Your own recording](../own_recordings.md) shows how to write an entry.",
        ),
        "licences.md": licences_page(top),
    }
    pages |= {included(one): columns_of(one) for one in dictionary.sections()}
    pages |= {name.lower(): above(top / name) for name in ABOVE}
    (docs / FOLDER).mkdir(exist_ok=True)
    for name, text in pages.items():
        path = docs / FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def version_of(top: Path) -> str:
    """The version that pyproject.toml states."""
    text = (top / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.+)"', text, re.MULTILINE)[1]


# --- links that leave docs/ -----------------------------------------------------------------------


def redirect(name: str, source: list[str]) -> None:
    """Let links to the pages above docs/ lead to their copies; Sphinx hands the text in a list."""
    if not name.startswith(FOLDER):
        source[0] = re.sub(
            rf"\]\((?:\.\./)+({'|'.join(map(re.escape, ABOVE))})",
            lambda match: f"]({FOLDER}/{match[1].lower()}",
            source[0],
        )


def above(path: Path) -> str:
    """A page above docs/ as one inside the generated folder: its links, and nothing else, change."""

    def moved(match: re.Match) -> str:
        text, target = match[1], match[2]
        if re.match("https?:|#", target):
            return match[0]
        if target.startswith("docs/"):
            return f"[{text}](../{target.removeprefix('docs/')})"
        if target.partition("#")[0] in ABOVE:
            return (
                f"[{text}]({target.partition('#')[0].lower()}{''.join(target.partition('#')[1:])})"
            )
        return text  # a file that is no page

    return re.sub(
        r"\[((?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)",
        moved,
        path.read_text(encoding="utf-8"),
    )


# --- settings -------------------------------------------------------------------------------------


def settings_page(
    schema: dict,
    title: str = "Settings",
    opening: str = (
        "Every key of `config.yaml` and of overlays, from the schema that they are checked against. "
        "`config.yaml` itself holds every setting with its unit, its source and the demo's value."
    ),
) -> str:
    """Every key of a schema with what it holds, what is valid and its default."""
    lines = [f"# {title}", "", opening, ""]
    for name, entry in schema["properties"].items():
        described = _resolved(entry, schema)
        lines += [f"## `{name}`", "", _sentence(described), ""]
        rows = list(_rows(described, schema, ""))
        if rows:
            lines += ["| key | holds | valid | default |", "|---|---|---|---|", *rows, ""]
        else:
            lines += [f"Valid: {_valid(described, schema)}.{_default_of(described)}", ""]
    return "\n".join(lines)


def _resolved(entry: dict, schema: dict) -> dict:
    """An entry with what it refers to; its own words come first."""
    if "$ref" not in entry:
        return entry
    target = schema["$defs"][entry["$ref"].removeprefix("#/$defs/")]
    return _resolved(target, schema) | {k: v for k, v in entry.items() if k != "$ref"}


def _rows(entry: dict, schema: dict, above: str, depth: int = 0):
    """A row for every key below an entry."""
    if depth > 4:
        return
    below = dict(entry.get("properties", {}))
    others = entry.get("additionalProperties")
    if isinstance(others, dict):
        below["<name>"] = others
    for name, one in below.items():
        described = _resolved(one, schema)
        key = f"{above}{name}"
        cells = [f"`{key}`", _sentence(described), _valid(described, schema), _default(described)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield from _rows(described, schema, f"{key}: ", depth + 1)


def _sentence(entry: dict) -> str:
    return " ".join(str(entry.get("description", "")).split())


def _valid(entry: dict, schema: dict) -> str:
    """What a value may be, in words."""
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    for several in ("anyOf", "oneOf"):
        if several in entry:
            return " or ".join(_valid(_resolved(one, schema), schema) for one in entry[several])
    kinds = entry.get("type", "any value")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = {"object": "keys", "array": "a list", "string": "text", "integer": "a whole number",
             "number": "a number", "boolean": "`true` or `false`", "null": "`null`"}  # fmt: skip
    text = " or ".join(words.get(kind, kind) for kind in kinds)
    limits = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most",
              "exclusiveMaximum": "below"}  # fmt: skip
    bounds = [f"{word} {entry[key]}" for key, word in limits.items() if key in entry]
    if isinstance(entry.get("items"), dict) and "array" in kinds:
        text += f" of: {_valid(_resolved(entry['items'], schema), schema)}"
    return ", ".join([text, *bounds])


def _default(entry: dict) -> str:
    if "default" not in entry:
        return ""
    value = entry["default"]
    shown = {None: "null", True: "true", False: "false", "": '""'}
    return f"`{shown.get(value, value) if not isinstance(value, list | dict) else value}`"


def _default_of(entry: dict) -> str:
    return f" Default: {_default(entry)}." if "default" in entry else ""


# --- columns --------------------------------------------------------------------------------------


def included(section: dictionary.Section) -> str:
    """Name of the file that the page of columns includes for a section."""
    return re.sub(r"[^\w -]", "", section.title.lower()).replace(" ", "-") + ".txt"


def columns_of(section: dictionary.Section) -> str:
    """The text of a section of the data dictionary, and every table of it with its columns."""
    lines = [section.text, ""]
    for table in section.tables:
        head = ["| column | unit | holds |", "|---|---|---|"]
        rows = [_row(f"`{one.name}`", one.unit, one.holds) for one in table.columns]
        lines += [f"`{table.name}`: {table.holds}.", "", *head, *rows, ""]
    return "\n".join(lines)


# --- licences -------------------------------------------------------------------------------------


def licences_page(top: Path) -> str:
    """Licence of every dataset and published table of the registry, and of weights by their rows."""
    registry = _yaml(top / "experiments" / "datasets.yaml")
    lines = [
        "# Licences of data and models",
        "",
        "From the registry (`experiments/datasets.yaml`) and the model tables. Nothing of this is part "
        "of the repository: it is downloaded from its publisher, and whoever runs an experiment is "
        "bound by these terms. The code is Apache-2.0.",
        "",
        "## Data",
        "",
        "| dataset | licence | cite |",
        "|---|---|---|",
    ]
    for name, entry in registry["datasets"].items():
        lines.append(_row(f"`{name}`", entry["licence"], entry["citation"]))
    lines += ["", "## Published scores", "", "| table | licence | cite |", "|---|---|---|"]
    for name, entry in registry["scores"].items():
        lines.append(_row(f"`{name}`", entry["licence"], entry["citation"]))
    lines += ["", "## Weights", "", WEIGHTS, "", "| licence | networks |", "|---|---|"]
    for licence, networks in sorted(_weights(top).items()):
        lines.append(_row(licence, ", ".join(f"`{name}`" for name in sorted(networks))))
    return "\n".join([*lines, ""])


WEIGHTS = (
    "As the tables' column `licence` says. Where a row says nothing the weights' own page does: those "
    "of `timm:` sources are on the hub, each with its card."
)


def _weights(top: Path) -> dict[str, set[str]]:
    """Names of networks by the licence that their row states."""
    import pandas as pd  # noqa: PLC0415

    found: dict[str, set[str]] = {}
    for path in sorted((top / "experiments").glob("*.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, comment="#")
        if {"model", "weights", "licence"} <= set(table):
            for row in table.to_dict("records"):
                licence = row["licence"] or "not stated in the table"
                found.setdefault(licence, set()).add(f"{row['model']} {row['weights']}")
    return found


def _row(*cells: str) -> str:
    shown = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(shown) + " |"
