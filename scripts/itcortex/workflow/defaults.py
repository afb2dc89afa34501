"""Settings that are left out: their values are the `default` of their schema, and stand nowhere else."""

from copy import deepcopy


def with_defaults(instance: dict, schema: dict) -> dict:
    """A copy of `instance` in which every key that a JSON schema gives a default has a value.

    `instance` must be valid. Followed are `properties`, `additionalProperties` (one entry of many),
    and `$ref` to `#/$defs/<name>`; what stands below `anyOf`, `if` or `items` has no defaults here.
    """
    return _filled(instance, schema, schema.get("$defs", {}))


def _filled(value, schema: dict, definitions: dict):
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
    if not isinstance(value, dict):
        return deepcopy(value)
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    others = others if isinstance(others, dict) else {}
    filled = {key: _filled(v, properties.get(key, others), definitions) for key, v in value.items()}
    defaults = {
        key: _filled(one["default"], one, definitions)
        for key, one in properties.items()
        if "default" in one and key not in filled
    }
    return filled | defaults
