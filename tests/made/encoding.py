"""Settings that tests hand to the scripts of encoding."""

#: `encoding: ridge` as the schema's defaults have it, a device, and whether to go on without it.
ON_CPU = ({"inner": "auto", "penalties": {"lowest": 1e-4, "highest": 1e4, "number": 9},
           "precision": "float64"}, "cpu", False)  # fmt: skip
