"""Works that a report cites, as BibTeX and as a line of text, and what is cited for what.

`references.yaml` holds the works. What it does not know is cited by what the registry or the model
table says of it, as a `@misc` entry, so that nothing goes without a source.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import yaml

_FILE = Path(__file__).with_name("references.yaml")
_ACCENTS = {r"{\"o}": "ö", r"{\'e}": "é", r"{\'a}": "á", r"{\`e}": "è"}
_NOT_FIELDS = ("type",)


@dataclass(frozen=True)
class Work:
    """One work: its key, its BibTeX entry, its line in a bibliography, and how a text cites it."""

    key: str
    bibtex: str
    text: str
    short: str


def of_dataset(name: str, entry: dict) -> list[Work]:
    """Works to cite for a dataset of the registry, an entry with `citation`."""
    keys = read_references()["datasets"]
    known = [start for start in keys if name.startswith(start)]
    if known:
        found = keys[max(known, key=len)]
        return [work(key) for key in found]
    return [_misc(f"data_{name}", f"{name}: {entry['citation']}")]


def of_model(model: dict) -> list[Work]:
    """Works to cite for a row of the table of models: its architecture or family, and its training."""
    known = read_references()
    kind, _, rest = model["source"].partition(":")
    keys = matching(known["architectures"], model["architecture"] or model["model"])
    keys = keys or known["families"].get(model["family"], [])
    keys = keys + (matching(known["tags"], rest) if kind == "timm" else [])
    found = [work(key) for key in keys]
    if kind == "timm":
        found.append(work("wightman2019"))
    if kind == "data":
        found += of_dataset(rest.partition("/")[0], {"citation": rest})
    if model["category"] == "harmonized":
        found.append(work("fel2022"))
    return found or [_misc(f"model_{model['model']}", f"{model['model']}: {model['source']}")]


def matching(patterns: dict[str, list[str]], name: str) -> list[str]:
    """Keys of the first pattern that a name has; none where it has none."""
    return next((keys for like, keys in patterns.items() if fnmatchcase(name, like)), [])


@cache
def work(key: str) -> Work:
    """A work of `references.yaml`; KeyError for an unknown key."""
    fields = read_references()["works"][key]
    names = str(fields["author"]).split(" and ")
    last = [name.partition(",")[0] for name in names]
    others = "others" in last
    first = _plain(last[0])
    who = first if len(last) == 1 else f"{first} and {_plain(last[1])}"
    if len(last) > 2 or others:
        who = f"{first} et al."
    shown = ", ".join(_initials(name) for name in names if name != "others")
    shown += " et al." if others else ""
    where = _where(fields)
    text = f"{_plain(shown)} ({fields['year']}). {fields['title'].rstrip('?')}"
    text += ("?" if fields["title"].endswith("?") else ".") + (f" {where}." if where else "")
    return Work(key, _bibtex(key, fields), _plain(text), f"{who}, {fields['year']}")


def _where(fields: dict) -> str:
    parts = [fields.get(name) for name in ("journal", "booktitle", "howpublished")]
    where = next((part for part in parts if part), "")
    if "volume" in fields:
        number = f"({fields['number']})" if "number" in fields else ""
        where += f" {fields['volume']}{number}"
    if "pages" in fields:
        where += f", {str(fields['pages']).replace('--', '–')}"
    if "eprint" in fields:
        where += f"{'; ' if where else ''}arXiv {fields['eprint']}"
    return where


def _bibtex(key: str, fields: dict) -> str:
    rows = [(name, value) for name, value in fields.items() if name not in _NOT_FIELDS]
    # double braces keep the capitals of a title
    lines = [f"  {n} = {{{{{v}}}}}," if n == "title" else f"  {n} = {{{v}}}," for n, v in rows]
    if "eprint" in fields:
        lines.append("  archiveprefix = {arXiv},")
    return "\n".join([f"@{fields['type']}{{{key},", *lines, "}"])


def _misc(key: str, note: str) -> Work:
    """An entry of what no work is known of."""
    key = re.sub(r"[^A-Za-z0-9]+", "_", key)
    note = " ".join(note.split())
    escaped = re.sub(r"([#$%&_{}])", r"\\\1", note.replace("\\", "/"))
    return Work(key, f"@misc{{{key},\n  note = {{{escaped}}},\n}}", f"{note}.", note)


def _initials(name: str) -> str:
    last, _, first = name.partition(",")
    letters = [part[0] + "." for part in first.replace("-", " ").split()]
    return " ".join([last, *letters]) if letters else last


def _plain(text: str) -> str:
    for accent, letter in _ACCENTS.items():
        text = text.replace(accent, letter)
    return text


@cache
def read_references() -> dict:
    """What `references.yaml` says: `works` by key, and keys by dataset, family, architecture and tag."""
    return yaml.safe_load(_FILE.read_text(encoding="utf-8"))
