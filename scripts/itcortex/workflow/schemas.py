"""YAML and the schemas that settings and tables are checked against."""

from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from itcortex.errors import UserError, nearest


def load_yaml(path: str | Path) -> dict:
    """Read a YAML mapping with the safe loader; `UserError` names the file and the line."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: expected a mapping of keys to values, got {type(content).__name__}"
        )
    return content


def check(instance: dict, schema: dict, where: str) -> None:
    """Raise `UserError` listing everything in `instance` that its JSON schema refuses."""
    errors = sorted(Draft202012Validator(schema).iter_errors(instance), key=lambda e: list(e.path))
    if errors:
        listed = "\n".join(f"  - {line}" for error in errors for line in _explain(error))
        raise UserError(f"{where} is not valid:\n{listed}")


def _explain(error) -> list[str]:
    """One line a fault: key, offending value, and what would be valid."""
    key = ": ".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        valid = list(error.schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in valid]
        return [f"{key}: unknown key {name!r}; {nearest(name, valid)}" for name in unknown]
    if error.validator == "enum":
        valid = [str(value) for value in error.validator_value]
        return [f"{key}: {error.instance!r} is not a choice; {nearest(str(error.instance), valid)}"]
    about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    message = error.message
    if error.validator == "pattern":
        message = f"{error.instance!r} is not allowed here; it must match {error.validator_value}"
    return [f"{key}: {message}" + (f" ({about})" if about else "")]


def _located(where: str, function, *arguments):
    """Call a function; put `where` before the message of a `UserError` that it raises."""
    try:
        return function(*arguments)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
