"""Networks: their weights, published or drawn (`training.smk` makes the others), and activations."""

# Without `activations: keep` a file goes when all jobs that read it are done; its notes stay.
as_kept = str if config["activations"]["keep"] else temp


localrules:
    check_models,
    fetch_weights,


rule check_models:
    """Every row of the model table, built, run and given its weights before any job: a target."""

    # Without an output it runs whenever it is asked for, and its tables stay where rows fail; a
    # benchmark would count as an output.
    log:
        "results/logs/check_models.log",
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(60),
    params:
        rows=checks.rows,
        refused=checks.refused,
        plan=checks.plan,
        tables=checks.tables,
    script:
        "../scripts/check_models.py"


rule fetch_weights:
    """One model's weights as safetensors, with their digest; never on a compute node."""
    input:
        file=ex.weights_file,
    output:
        weights="results/weights/{model}/{weights}.safetensors",
    log:
        "results/logs/fetch_weights/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{model}/{weights}.tsv"
    wildcard_constraints:
        weights=any_of(ex.fetched["weights"]),
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=request.fetching_mem_mb,
        runtime=rising(60),
    params:
        code=ex.code_of_network("fetch_weights"),
        network=ex.network_of,
        source=ex.cell("source"),
        sha256=ex.cell("sha256"),
        state_dict=ex.cell("state_dict"),
        match_by=ex.cell("match_by"),
    script:
        "../scripts/fetch_weights.py"


rule extract_activations:
    """Every chosen layer of one model on one set of stimuli, in one pass."""
    input:
        stimuli="results/stimuli/{stimuli}.h5",
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        activations=as_kept("results/activations/{stimuli}/{model}/{weights}.h5"),
        notes="results/activations/{stimuli}/{model}/{weights}.json",
    log:
        "results/logs/extract_activations/{stimuli}/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/extract_activations/{stimuli}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: ex.extraction_threads
    resources:
        mem_mb=request.extraction_mem_mb,
        runtime=request.extraction_runtime,
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("extract_activations"),
        network=ex.network_of,
        layers=ex.named_layers,
        n_layers=config["activations"]["layers"],
        side=analysis.side,
        projection=analysis.projection,
        dtype=config["activations"]["dtype"],
        batch_size=config["activations"]["batch_size"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/extract_activations.py"


rule measure_top1:
    """ImageNet accuracy of one network on labelled images, where its row says `top1: measure`."""
    input:
        images=config["accuracy"]["images"] or [],
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        accuracy="results/{experiment}/accuracy/{model}/{weights}.parquet",
    log:
        "results/{experiment}/logs/measure_top1/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/measure_top1/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=request.extraction_mem_mb,
        runtime=request.accuracy_runtime,
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("measure_top1"),
        network=ex.network_of,
        batch_size=ex.batch_size,
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/measure_top1.py"
