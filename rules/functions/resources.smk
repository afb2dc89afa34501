"""Memory and time that jobs ask for, by the size of their network."""

MOST_ATTEMPTS = 4  # that ask for more; a preempted job may be tried much more often


def rising(amount):
    """Memory or time that a job asks for, once more of it with every attempt."""
    return lambda wildcards, attempt: amount * growth(attempt)


def growth(attempt):
    """How many times as much a job asks for at an attempt."""
    return min(attempt, MOST_ATTEMPTS)


def encoding_mem_mb(wildcards, input, attempt):
    """Memory to fit encoding models: layers are read one by one, and pooled where there is no grid."""
    return int(max(1900, 600 + 0.5 * input.size_mb) * growth(attempt))


def encoding_runtime(wildcards, input, attempt):
    """Minutes to fit encoding models: an hour, and two for 4 GB of activations (measured: .1 to .4)."""
    return int((60 + 0.03 * input.size_mb) * growth(attempt))


def stated(value, otherwise):
    """A number of the model table, or what to take where its cell is empty (NaN)."""
    return value if value == value else otherwise


def fetching_mem_mb(wildcards, attempt):
    """Memory to fetch weights: two copies of them, as measured, and half as much to spare."""
    return int(max(1900, 700 + 12 * stated(row(wildcards)["params_m"], 30)) * growth(attempt))


def require_gpus(jobs):
    """Stop before any job starts if one wants more GPUs than this machine has, or than the run may use.

    Snakemake cuts what a job asks for to the run's limit (`resources: gpu` of the profile): a training of
    several processes would begin with fewer GPUs than it has processes.
    """
    asked = [job.resources for job in jobs if job.resources.get("gpu", 0)]
    wanted = max((max(int(one["gpu"]), int(one.get("processes", 1))) for one in asked), default=0)
    allowed = max((int(one["gpu"]) for one in asked), default=0)
    if wanted > allowed:
        raise WorkflowError(
            f"config: device: a training has {wanted} processes, each with a GPU of its own, but runs "
            f"may use {allowed}; set `resources: gpu: {wanted}` in profiles/default/config.yaml, or fewer "
            "`processes`"
        )
    try:
        devices.require(wanted)
    except UserError as error:
        raise WorkflowError(str(error))


def network_mem_mb(map_mb):
    """Memory to run a network: two copies of its weights, and maps of `map_mb` for an image of 224 px."""

    def mem_mb(wildcards, attempt):
        known = row(wildcards)
        area = (stated(known["input_size"], 224) / 224) ** 2
        maps_mb = map_mb * config["activations"]["batch_size"] * area
        return int(max(1900, 600 + 8 * stated(known["params_m"], 30) + maps_mb) * growth(attempt))

    return mem_mb


@cache
def images_in(path):
    """Number of images of prepared stimuli; FileNotFoundError, which Snakemake knows, before they are."""
    from itcortex import store  # not at the top: every job's process reads this file

    os.stat(path)
    return store.count_images(path)


def seconds_an_image(wildcards):
    """Time of one image in a network, at worst: .01 s a million weights at 224 px on a core.

    Measured: MobileNets .008, ResNet-50 .15, at published speeds a 30th on any GPU since 2017.
    """
    known = row(wildcards)
    area = (stated(known["input_size"], 224) / 224) ** 2
    on_core = 0.01 * stated(known["params_m"], 30) * area
    return on_core / 30 if config["device"].startswith("cuda") else on_core


def extraction_runtime(wildcards, input, attempt):
    """Minutes to extract activations: half an hour, and twice the time of its images."""
    seconds = images_in(input.stimuli) * seconds_an_image(wildcards)
    return int((30 + seconds / 30) * growth(attempt))


def saliency_runtime(wildcards, attempt):
    """Minutes for the saliency of 1,000 photographs, as in ClickMe: a gradient is three passes."""
    return int((60 + 1000 * 3 * seconds_an_image(wildcards) / 60) * growth(attempt))


def require_time(jobs):
    """Stop before any job is submitted if one asks for more time than Slurm's partitions give."""
    asked = {
        job.rule.name: (job.resources.get("runtime"), job.resources.get("slurm_partition"))
        for job in sorted(jobs, key=lambda job: minutes_of(job))
    }
    try:
        partitions.require_time(asked)
    except UserError as error:
        raise WorkflowError(str(error))


def minutes_of(job):
    """Minutes that a job asks for; 0 where that is not known before its inputs are there."""
    minutes = job.resources.get("runtime")
    return minutes if isinstance(minutes, int) else 0
