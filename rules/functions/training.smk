"""Trainings: what goes in, where it lies, what it needs."""


def training_of(wildcards):
    """Settings of a job's training."""
    return config["training"][row(wildcards)["training"]]


def training_images(wildcards):
    """What a network learns from, is judged on, and starts from."""
    training = training_of(wildcards)
    start = "results/weights/{model}/{start}.safetensors"
    images = {
        kind: trainings.paths_of(training[kind]) for kind in ("labelled", "mapped", "validation")
    }
    named = training.get("start")
    return images | {"start": [start.format(model=wildcards.model, start=named)] if named else []}


def shards_of_trainings():
    """Downloads of ClickMe behind all trainings of the experiment."""
    used = [config["training"][name] for name in TRAINED["training"].unique()]
    kinds = ("labelled", "mapped", "validation")
    paths = [path for training in used for kind in kinds for path in training[kind]]
    return trainings.click_shards(trainings.paths_of(paths))


def history_of(key):
    """What a training noted, beside the weights of a row of the model table."""
    return "results/weights/{}/{}.parquet".format(*key)


def training_threads(wildcards):
    """Cores of a training: one a process and one a worker."""
    training = training_of(wildcards)
    return training.get("processes", 1) * (1 + training.get("workers", 0))


def training_gpus(wildcards):
    """GPUs of a training: one a process."""
    on_gpu = config["device"].startswith("cuda")
    return training_of(wildcards).get("processes", 1) if on_gpu else 0
