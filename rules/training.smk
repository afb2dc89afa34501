"""Networks that are trained here to look where people look (neural harmonizer)."""


localrules:
    plan_training,


rule train_harmonized:
    """One network, strength and seed, continued where it was left; strength 0 is the baseline."""
    input:
        unpack(training.images),
    output:
        weights="results/weights/{model}/{weights}.safetensors",
        history="results/weights/{model}/{weights}.parquet",
        about="results/weights/{model}/{weights}.json",
    log:
        "results/logs/train_harmonized/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/train_harmonized/{model}/{weights}.tsv"
    wildcard_constraints:
        weights=any_of(ex.trained["weights"]),
    conda:
        "../envs/networks.yaml"
    threads: request.training_threads
    resources:
        mem_mb=request.training_mem_mb,
        runtime=request.training_runtime,
        gpu=request.training_gpus,
        nodes=1,  # its processes meet on one machine
        # not params: what does not change the weights must not train them anew
        processes=training.setting("processes"),
        workers=training.setting("workers"),
        checkpoint_steps=training.setting("checkpoint_steps"),
        tensorboard=request.training_tensorboard,
    params:
        code=ex.code_of_network("train_harmonized"),
        network=ex.network_of,
        strength=ex.cell("strength"),
        seed=training.seed,
        recipe=training.recipe,
        classes=training.setting("classes"),
        device=config["device"],
    script:
        "../scripts/train_harmonized.py"


rule compare_answers:
    """What training changed in the answers of a network that was its own teacher, by photograph."""
    input:
        unpack(training.judged),
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        answers="results/{experiment}/answers/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/compare_answers/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/compare_answers/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=request.saliency_mem_mb,
        runtime=rising(30),
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("compare_answers"),
        labels=ex.labels,
        network=ex.network_of,
        recipe=training.recipe,
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/compare_answers.py"


rule plot_training:
    """Learning curves of all strengths and seeds of one network."""
    input:
        histories=training.histories,
        notes=training.notes,
    output:
        pdf="results/{experiment}/figures/training_{model}.pdf",
        png=report(
            "results/{experiment}/figures/training_{model}.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["training_{model}"]},
        ),
        rst="results/{experiment}/figures/training_{model}.rst",
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
        code=ex.code_of("plot_training"),
        title=TITLES["training_{model}"],
        caption=CAPTIONS["training_{model}"],
        model="{model}",
        conditions=training.conditions,
        least_agreement=training.least_agreement,
    script:
        "../scripts/plot_training.py"


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
        code=ex.code_of("plan_training"),
        rows=training.planned,
        trainings=ex.settings["training"],
        gpu_models=["v100", "a100", "l40s", "h100"],
    script:
        "../scripts/plan_training.py"


rule harmonizer_study:
    """Only the digits study of the experiment: its table and its figures."""
    input:
        expand("results/{experiment}/tables/shortcut.parquet", experiment=ex.name),
        expand("results/{experiment}/figures/shortcut.pdf", experiment=ex.name),
        expand(
            "results/{experiment}/figures/training_{model}.pdf",
            experiment=ex.name,
            model=study.models,
        ),
