"""Weights that the workflow trains itself, with human maps (the neural harmonizer)."""


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


rule train_harmonized:
    """One network, strength and seed, continued where it was left; strength 0 is the baseline."""
    input:
        unpack(training_images),
    output:
        weights="results/weights/{model}/{weights}.safetensors",
        history="results/weights/{model}/{weights}.parquet",
    log:
        "results/logs/train_harmonized/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/train_harmonized/{model}/{weights}.tsv"
    wildcard_constraints:
        weights=any_of(TRAINED["weights"]),
    conda:
        "../envs/environment.yaml"
    threads: training_threads
    resources:
        mem_mb=1900,
        runtime=2880,
        gpu=training_gpus,
    params:
        code=code_of_network("train_harmonized"),
        network=network_of,
        strength=lambda wildcards: row(wildcards)["strength"],
        seed=lambda wildcards: int(row(wildcards)["seed"]),
        recipe=lambda wildcards: trainings.recipe_of(wildcards.model, training_of(wildcards)),
        classes=lambda wildcards: training_of(wildcards).get("classes", ""),
        device=config["device"],
        processes=lambda wildcards: training_of(wildcards).get("processes", 1),
        workers=lambda wildcards: training_of(wildcards).get("workers", 0),
        checkpoint_steps=lambda wildcards: training_of(wildcards).get("checkpoint_steps", 1000),
    script:
        "../scripts/train_harmonized.py"


rule plot_training:
    """Learning curves of all strengths and seeds of one network."""
    input:
        histories=lambda wildcards: [
            history_of(key) for key in TRAINED.index if key[0] == wildcards.model
        ],
    output:
        pdf="results/{experiment}/figures/training_{model}.pdf",
        png=report(
            "results/{experiment}/figures/training_{model}.png",
            caption="report/training.rst",
            category="Figures",
        ),
    log:
        "results/{experiment}/logs/plot_training/{model}.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_training/{model}.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        code=fingerprint("plot_training"),
        title=lambda wildcards: wildcards.model,
    script:
        "../scripts/plot_training.py"
