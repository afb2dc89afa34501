"""Memory and time that jobs ask for, by the size of their network."""


def rising(amount):
    """Memory or time that a job asks for, once more of it with every attempt."""
    return lambda wildcards, attempt: amount * attempt


def encoding_mem_mb(wildcards, input, attempt):
    """Memory to fit encoding models: layers are read one by one, and pooled where there is no grid."""
    return int(max(1900, 600 + 0.5 * input.size_mb) * attempt)


def stated(value, otherwise):
    """A number of the model table, or what to take where its cell is empty (NaN)."""
    return value if value == value else otherwise


def fetching_mem_mb(wildcards, attempt):
    """Memory to fetch weights: two copies of them, as measured, and half as much to spare."""
    return int(max(1900, 700 + 12 * stated(row(wildcards)["params_m"], 30)) * attempt)


def require_gpus(jobs):
    """Stop before any job starts if one asks for more GPUs than this machine has."""
    most = max((int(job.resources.get("gpu", 0)) for job in jobs), default=0)
    try:
        devices.require(most)
    except UserError as error:
        raise WorkflowError(str(error))


def network_mem_mb(map_mb):
    """Memory to run a network: two copies of its weights, and maps of `map_mb` for an image of 224 px."""

    def mem_mb(wildcards, attempt):
        known = row(wildcards)
        area = (stated(known["input_size"], 224) / 224) ** 2
        maps_mb = map_mb * config["activations"]["batch_size"] * area
        return int(max(1900, 600 + 8 * stated(known["params_m"], 30) + maps_mb) * attempt)

    return mem_mb
