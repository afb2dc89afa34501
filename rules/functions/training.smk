"""Trainings: what goes in, where it lies, what it needs."""


def training_of(wildcards):
    """Settings of a job's training."""
    return config["training"][row(wildcards)["training"]]


def training_images(wildcards):
    """What a network learns from, is judged on, and starts from."""
    training = training_of(wildcards)
    images = {kind: trainings.paths_of(training[kind]) for kind in trainings.IMAGES}
    start = weights_to_start_from(wildcards, training.get("start"))
    path = f"results/weights/{wildcards.model}/{start}.safetensors"
    return images | {"start": [path] if start else []}


def weights_to_start_from(wildcards, named):
    """The named weights of a job's model; where they are trained here, the baseline of the same seed."""
    if not named or (wildcards.model, named) in MODELS.index:
        return named
    return trainings.weights_name(named, 0, int(row(wildcards)["seed"]))


def shards_of_trainings():
    """Downloads of ClickMe behind all trainings of the experiment."""
    used = [config["training"][name] for name in TRAINED["training"].unique()]
    paths = [path for training in used for kind in trainings.IMAGES for path in training[kind]]
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


def training_cost(wildcards):
    """What a training is estimated to cost; None on a CPU, and where it is not known."""
    training = training_of(wildcards)
    known = cost.Training.of_row(row(wildcards), training)
    if known is None or not training_gpus(wildcards):
        return None
    return cost.estimate(known, cost.gpu_named(training.get("gpu_model", "a100")))


def training_runtime(wildcards, attempt):
    """Minutes of a training: at worst what is estimated, two hours for digits, a day for what is unknown.

    One that is ended by its limit keeps its state: the next attempt goes on.
    """
    estimated = training_cost(wildcards)
    if estimated:
        return cost.runtime_minutes(estimated, growth(attempt))
    return 120 * growth(attempt) if "digits" in training_of(wildcards) else 1440


def training_mem_mb(wildcards, attempt):
    """Memory of a training on the host."""
    estimated = training_cost(wildcards)
    return int(max(1900, estimated.host_mb if estimated else 0) * growth(attempt))


def planned_trainings():
    """Rows of the model table that are trained, with what their cost depends on, as records."""
    sizes = ["params_m", "step_cost", "activation_mb"]
    named = MODELS[MODELS["training"] != ""]
    columns = ["model", "weights", "training", "strength", "seed", *sizes]
    return named[columns].to_dict("records")


# --- the digits study: trainings with `digits` -----------------------------------------------------


def digits_of(key):
    """Name of the simulated images that a network of the study is trained on."""
    return config["training"][MODELS.loc[key, "training"]]["digits"]


def shortcut_images(wildcards):
    """Test images of the study with the shortcut as in training, and with it broken."""
    folder = f"results/data/{digits_of((wildcards.model, wildcards.weights))}"
    return {name: f"{folder}/{name}.parquet" for name in ("intact", "broken")}


def studied_recordings():
    """Simulated arrays of the study."""
    used = {digits_of(key) for key in STUDIED.index}
    return sorted(config["digits"][name]["recording"] for name in used)


def studied_scores():
    """Encoding of the simulated array by every network of the study."""
    path = f"results/{EXPERIMENT}/encoding/{{recording}}/{{model}}/{{weights}}.parquet"
    recordings = [config["digits"][digits_of(key)]["recording"] for key in STUDIED.index]
    return [
        path.format(recording=recording, model=model, weights=weights)
        for recording, (model, weights) in zip(recordings, STUDIED.index)
    ]


def studied_examples(wildcards):
    """Maps of a baseline and of the network of its model and seed with the strength nearest to 1."""
    first = STUDIED[STUDIED["model"] == STUDIED["model"].iloc[0]]
    first = first[first["seed"] == first["seed"].iloc[0]].sort_values("strength")
    path = f"results/{wildcards.experiment}/shortcut/{{}}/{{}}.examples.h5"
    default = (first["strength"] - 1).abs().idxmin()  # 1 is the published default
    return [path.format(*key) for key in dict.fromkeys([first.index[0], default])]
