"""YAML and the schemas that settings and tables are checked against."""

import math
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from itcortex.errors import UserError, nearest, said_as_text

#: Values that a file may stand for, with aliases (`*name`) written out; our registry has 2,000.
MOST_VALUES = 200_000
#: Types of JSON schemas in words.
_TYPES = {
    "integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false",
    "array": "a list", "object": "a mapping of keys to values", "null": "null",
}  # fmt: skip
_CHOICES = ("anyOf", "oneOf")


def load_yaml(path: str | Path) -> dict:
    """Read a YAML mapping with the safe loader.

    Raises `UserError` that names the file and the line, also for a key that is given twice, of which
    YAML would take the last, and for a file whose aliases stand for more values than anybody writes (or
    for themselves): to check those would not end.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            loader = yaml.SafeLoader(file)
            tree = loader.get_single_node()
            _require_finite(tree, path)
            _require_once(tree, path)
            content = loader.construct_document(tree) if tree else None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); a path is relative to {Path.cwd()}"
        ) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: expected a mapping of keys to values, got {type(content).__name__}"
        )
    return content


def _require_finite(tree: yaml.Node | None, path: str | Path) -> None:
    """Raise `UserError` if a YAML tree, its aliases written out, has no end or too many values."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = float("inf")  # for an alias of something around it
            inner = [] if isinstance(node, yaml.ScalarNode) else node.value
            pairs = [part for one in inner for part in (one if isinstance(one, tuple) else (one,))]
            sizes[id(node)] = 1 + sum(map(size, pairs))
        return sizes[id(node)]

    if tree is not None and size(tree) > MOST_VALUES:
        raise UserError(
            f"{path}: its aliases (*name) stand for more than {MOST_VALUES:,} values, or for "
            "themselves; write out what is meant"
        )


def _require_once(tree: yaml.Node | None, path: str | Path) -> None:
    """Raise `UserError` for a key that a mapping has twice."""
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        lines: dict[str, int] = {}
        for key, _ in pairs:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise UserError(
                    f"{path}: line {line}: key {key.value!r} is given a second time (first in line "
                    f"{lines[key.value]}); keep one of them"
                )
            lines[key.value] = line
        waiting += [part for pair in pairs for part in pair] or node.value


def check(instance: dict, schema: dict, where: str) -> None:
    """Raise `UserError` listing everything in `instance` that its JSON schema refuses."""
    errors = sorted(Draft202012Validator(schema).iter_errors(instance), key=lambda e: list(e.path))
    lines = [line for error in errors for line in _explain(error)] + _infinite(instance)
    if lines:
        listed = "\n".join(f"  - {line}" for line in lines)
        raise UserError(f"{where} is not valid:\n{listed}")


def _infinite(value, key: str = "") -> list[str]:
    """One line a number that is not finite: no limit of a schema refuses NaN."""
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [line for name, one in inner for line in _infinite(one, f"{key}: {name}")]
    bad = isinstance(value, float) and not math.isfinite(value)
    return [f"{key.removeprefix(': ')}: {value} is not a finite number"] if bad else []


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
    if error.validator in _CHOICES and (inner := _inside(error)):
        return [
            line for e in inner for line in _explain(e)
        ]  # of the right type, with a fault inside
    if error.validator == "oneOf" and not error.context and isinstance(error.instance, dict):
        groups = [one["required"] for one in error.validator_value if "required" in one]
        held = [", ".join(map(repr, names)) for names in groups if {*names} <= {*error.instance}]
        return [f"{key}: give either {' or '.join(held)}, not both"]
    about = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    message = error.message
    if error.validator == "type" and error.validator_value == "number":
        message += said_as_text(error.instance)
    if error.validator in _CHOICES and error.context:
        message = f"{error.instance!r} is none of what is valid: " + "; ".join(
            dict.fromkeys(_wanted(e) for e in _leaves(error))
        )
    if error.validator == "pattern":
        message = f"{error.instance!r} is not allowed here; it must match {error.validator_value}"
    return [f"{key}: {message}" + (f" ({about})" if about else "")]


def _leaves(error) -> list:
    """Why each branch of a choice does not hold; a branch that is a choice has branches of its own."""
    return [
        leaf
        for one in error.context
        for leaf in (_leaves(one) if one.validator in _CHOICES and one.context else [one])
    ]


def _inside(choice) -> list:
    """What is wrong inside of something that is of the right type for a branch of a choice."""
    return [leaf for leaf in _leaves(choice) if leaf.absolute_path != choice.absolute_path]


def _wanted(error) -> str:
    """What a branch of a choice asks for, given why it does not hold."""
    schema = error.schema
    if "propertyNames" in error.schema_path:
        return "a mapping with no keys but " + " or ".join(map(repr, schema["enum"]))
    if "const" in schema or "enum" in schema:
        return " or ".join(repr(value) for value in schema.get("enum", [schema.get("const")]))
    if error.validator == "required":
        return f"the keys {', '.join(map(repr, error.validator_value))}"
    if schema.get("type") not in _TYPES:
        return error.message
    limits = {"minimum": "of at least", "maximum": "of at most"}
    words = [f"{limits[key]} {schema[key]}" for key in limits if key in schema]
    return " ".join([_TYPES[schema["type"]], *words])


def _located(where: str, function, *arguments):
    """Call a function; put `where` before the message of a `UserError` that it raises."""
    try:
        return function(*arguments)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
