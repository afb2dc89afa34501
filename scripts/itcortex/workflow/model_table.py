"""The table of models: read, checked, its layers and sources."""

import csv
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from itcortex.data.registry import require_plain
from itcortex.errors import UserError, choose
from itcortex.files import atomic_path
from itcortex.networks.builders import builder_digest, package_digest
from itcortex.networks.network import Network
from itcortex.networks.timm_names import known_architectures, require_tag
from itcortex.workflow.refused_rows import RefusedRow
from itcortex.workflow.schemas import _located, check

#: In the column `top1`: to be measured on the labelled images that the settings name.
MEASURE = "measure"


def read_models(
    paths: str | Path | list[str], schema: dict, refused: list[RefusedRow] | None = None
) -> pd.DataFrame:
    """Read a model table (CSV) or several, one row a model with one set of weights, checked.

    Empty cells are dropped before the check, so that optional columns may be left empty or out;
    the result has them all, as "" or NaN, in the column `where` each row's file and line, and in
    `measured` whether its `top1` is to be measured. No table is no row.
    Raises `UserError` for a missing file, a row that its schema refuses or that describes no
    network, or a (model, weights) given twice. With a list `refused` such rows are put there instead,
    and the others are returned.
    """
    paths = paths if isinstance(paths, list) else [paths]
    tables = [_read_table(path, schema, refused) for path in paths]
    if not tables:
        return _typed(pd.DataFrame(columns=["where"], dtype=str), schema)
    table = pd.concat(tables, ignore_index=True)
    is_twice = table.duplicated(["model", "weights"], keep=False)
    twice = table[is_twice]
    if len(twice):
        listed = ", ".join(twice["where"] + ": " + twice["model"] + " " + twice["weights"])
        error = UserError(
            f"given twice: {listed}; a model with one set of weights is one row, so give one of them "
            "another name of its weights"
        )
        if refused is None:
            raise error
        refused += [RefusedRow.of(row, error) for row in twice.to_dict("records")]
    return table[~is_twice].reset_index(drop=True)


def _read_table(path: str | Path, schema: dict, refused: list[RefusedRow] | None) -> pd.DataFrame:
    columns, rows = _rows(path)
    numeric, good = _numeric(schema), {}
    for where, row in rows.items():
        try:
            _check_row(row, schema, numeric, where)
            good[where] = row
        except UserError as error:
            if refused is None:
                raise
            refused.append(RefusedRow.of(row, error, where))
    table = pd.DataFrame([*good.values()], columns=columns, dtype=str)
    return _typed(table.assign(where=[*good]), schema)


def _check_row(row: dict, schema: dict, numeric: list[str], where: str) -> None:
    cells = {key: value for key, value in row.items() if value != ""}
    for key in set(numeric) & set(cells):
        if (key, cells[key]) != ("top1", MEASURE):
            other = f" or `{MEASURE}`" if key == "top1" else ""
            cells[key] = _number(cells[key], f"{where}: {key}", other)
    check(cells, schema, where)
    _require_percent(cells, where)
    _located(where, Network.of_row, row)


def _rows(path: str | Path) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Columns of a CSV, and its rows by file and line; every cell is text, empty lines are no rows.

    Raises `UserError` for what is no CSV, columns of no name or of one name, and rows of too many cells.
    """
    lines, end = {}, 0
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if any(cells):
                    lines[end + 1] = cells  # a cell in quotes may run over several lines
                end = reader.line_num
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: model table cannot be read: {error}") from error
    if not lines:
        raise UserError(f"{path}: model table cannot be read: it is empty")
    columns = lines.pop(next(iter(lines)))
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        raise UserError(
            f"{path}: its cells are separated by semicolons or tabs; save it as CSV with commas (as a "
            "spreadsheet does where numbers have a decimal point)"
        )
    for name in columns:
        if columns.count(name) > 1 and name:
            raise UserError(f"{path}: column {name!r} is there {columns.count(name)} times")
    rows = {}
    for line, cells in lines.items():
        where, padded = f"{path}: line {line}", cells + [""] * (len(columns) - len(cells))
        named = dict(zip(columns, padded, strict=False))
        if any(padded[len(columns) :]) or named.pop("", ""):
            raise UserError(
                f"{where}: has {len(cells)} cells for {len([*filter(None, columns)])} named columns; "
                "a cell with a comma in it needs quotes"
            )
        rows[where] = named
    return [name for name in columns if name], rows


def _require_percent(row: dict, where: str) -> None:
    """Raise `UserError` for an accuracy that is a share of 1; that of chance (.1 %) is a percentage."""
    top1, drawn = row.get("top1", 0), row["source"].startswith("untrained:")
    if top1 == MEASURE:
        return
    if 0 < top1 < 1 and not drawn and row["category"] != "untrained":
        raise UserError(
            f"{where}: top1: {top1:g} is in percent, and no trained network is that bad: is it "
            f"{100 * top1:g} %? Leave it empty for a network that was not trained on ImageNet"
        )


def _numeric(schema: dict) -> list[str]:
    """Names of the columns of numbers."""
    columns = schema.get("properties", {}).items()
    return [name for name, column in columns if _is_number(column)]


def _is_number(column: dict) -> bool:
    return column.get("type") == "number" or any(map(_is_number, column.get("anyOf", [])))


def _typed(table: pd.DataFrame, schema: dict) -> pd.DataFrame:
    """The table with all columns of its schema, those of numbers as numbers."""
    absent = [name for name in schema.get("properties", {}) if name not in table]
    table = table.reindex(columns=[*table, *absent], fill_value="")
    if "top1" in table:
        measured = table["top1"] == MEASURE
        table = table.assign(measured=measured, top1=table["top1"].where(~measured, ""))
    return table.assign(**{name: pd.to_numeric(table[name]) for name in _numeric(schema)})


def _number(text: str, where: str, other: str = "") -> float:
    try:
        return float(text.replace("_", "?"))  # Python takes 7_6 for 76, and tables do not
    except ValueError:
        raise UserError(f"{where}: {text!r} is not a number{other}") from None


def check_models(models: pd.DataFrame, registry: dict) -> None:
    """Raise `UserError` for a row of the model table that names something that is not there.

    Rows of timm's networks cost nothing to check, those with a builder, arguments or named layers a
    few seconds the first time. Values that `read_models` has refused are not looked at again.
    """
    named = set(models["model"] + " " + models["weights"])
    for row in models.to_dict("records"):
        check_names(row, named, registry)
        check_network(row)


def split_by_names(models: pd.DataFrame, registry: dict) -> tuple[pd.DataFrame, list[RefusedRow]]:
    """The rows whose names are there (`check_names`), and those that name something that is not."""
    named, good, refused = set(models["model"] + " " + models["weights"]), [], []
    for row in models.to_dict("records"):
        try:
            check_names(row, named, registry)
            good.append(True)
        except UserError as error:
            refused.append(RefusedRow.of(row, error))
            good.append(False)
    return models[np.array(good, bool)], refused


def check_names(row: dict, named: set[str], registry: dict) -> None:
    """Raise `UserError` if a row names an architecture, a source or a baseline that is not there.

    `named` are all rows, as "model weights".
    """
    where = f"{row['where']}: {row['model']}"
    require_plain([row["model"], row["weights"]], where)
    if row["baseline"]:
        choose(row["baseline"], named, f"{where}: baseline")
    if not row["builder"]:
        _check_architecture(row["architecture"], where)
    _located(where, _check_source, row, registry)


def check_network(row: dict) -> None:
    """Raise `UserError` if a row's own network, or the layers that it names, cannot be used."""
    where = f"{row['where']}: {row['model']}"
    names = [name for name in row["layers"].split(";") if name]
    if names or row["builder"] or row["arguments"]:
        network = _located(where, Network.of_row, row)
        check_layers(network, names, f"{where}: layers")


def _check_architecture(name: str, where: str) -> None:
    """A name of timm's; one with the tag of its weights is told to go into two columns."""
    base, _, tag = name.partition(".")
    if tag and base in known_architectures():
        raise UserError(
            f"{where}: architecture: {name!r} is an architecture with the tag of its weights; write "
            f"architecture {base} and source timm:{tag}"
        )
    choose(name, known_architectures(), f"{where}: architecture")


def _check_source(row: dict, registry: dict) -> None:
    """What can be known of a row's source before it is fetched."""
    kind, _, rest = row["source"].partition(":")
    if kind == "timm" and row["builder"]:
        raise UserError(f"source: {row['source']!r} is for timm's networks, but a builder is given")
    if kind == "timm":
        require_tag(row["architecture"], rest)
    elif kind == "data":
        dataset, _, file = rest.partition("/")
        choose(dataset, registry["datasets"], "source: dataset")
        choose(file, registry["datasets"][dataset]["files"], f"source: file of {dataset}")
    elif kind == "file" and not Path(rest).expanduser().is_file():
        raise UserError(f"source: no file {rest}; a path is relative to {Path.cwd()}")
    if row["sha256"] and kind == "untrained":
        raise UserError(f"sha256: given for {row['source']!r}, which reads no file; leave it empty")


def check_layers(network: Network, names: list[str], where: str) -> None:
    """Raise `UserError` if a network lacks one of these layers, or fails the check before any job.

    The network is built (without weights), and once it has passed `Network.check` its layers' names are
    kept in a cache under timm's version and a digest of the network, of its builder's code and of the
    code that checks.
    """
    place = where.rpartition(": ")[0]
    known = json.dumps(network.asdict()) + _located(place, builder_digest, network.builder)
    known += f" {sorted(names)} {package_digest('itcortex.networks')}"
    key = hashlib.sha256(known.encode()).hexdigest()[:16]
    folder = Path(".snakemake") / "itcortex" / f"timm-{version('timm')}"
    cached = folder / f"{network.architecture}-{key}.json"
    if not cached.is_file():
        found = _located(place, network.check, names)
        with atomic_path(cached) as temporary:
            temporary.write_text(json.dumps(sorted(found)), encoding="utf-8")
    valid = json.loads(cached.read_text(encoding="utf-8"))
    for name in names:
        choose(name, valid, where)
