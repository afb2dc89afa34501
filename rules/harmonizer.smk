"""Weights that the workflow trains itself, with human maps (the neural harmonizer)."""


rule train_harmonized:
    """One network, strength and seed, continued where it was left; strength 0 is the baseline."""
    input:
        unpack(training_images),
    output:
        weights="results/weights/{model}/{weights}.safetensors",
        history="results/weights/{model}/{weights}.parquet",
        about="results/weights/{model}/{weights}.json",
    log:
        "results/logs/train_harmonized/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/train_harmonized/{model}/{weights}.tsv"
    wildcard_constraints:
        weights=any_of(TRAINED["weights"]),
    conda:
        "../envs/networks.yaml"
    threads: training_threads
    resources:
        mem_mb=training_mem_mb,
        runtime=training_runtime,
        gpu=training_gpus,
        nodes=1,  # its processes meet on one machine
        # not params: what does not change the weights must not train them anew
        processes=lambda wildcards: training_of(wildcards).get("processes", 1),
        workers=lambda wildcards: training_of(wildcards).get("workers", 0),
        checkpoint_steps=lambda wildcards: training_of(wildcards).get("checkpoint_steps", 1000),
        tensorboard=lambda wildcards: int(training_of(wildcards).get("tensorboard", False)),
    params:
        code=code_of_network("train_harmonized"),
        network=network_of,
        strength=lambda wildcards: row(wildcards)["strength"],
        seed=lambda wildcards: int(row(wildcards)["seed"]),
        recipe=lambda wildcards: recipe_of(wildcards.model, training_of(wildcards)),
        classes=lambda wildcards: training_of(wildcards).get("classes", ""),
        device=config["device"],
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
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=code_of("plot_training"),
        title=lambda wildcards: wildcards.model,
    script:
        "../scripts/plot_training.py"


localrules:
    plan_training,


rule plan_training:
    """Hours, GPUs and memory that the trainings will take, by type of GPU: estimates."""
    output:
        plan="results/{experiment}/tables/training_plan.csv",
    log:
        "results/{experiment}/logs/plan_training.log",
    benchmark:
        "results/{experiment}/benchmarks/plan_training.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(600),
        runtime=rising(10),
    params:
        code=code_of("plan_training"),
        rows=planned_trainings(),
        trainings=config["training"],
        gpu_models=["v100", "a100", "l40s", "h100"],
    script:
        "../scripts/plan_training.py"
