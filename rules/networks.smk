"""Networks: their weights, published or drawn (`training.smk` makes the others), and activations."""


localrules:
    fetch_weights,


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
    script:
        "../scripts/fetch_weights.py"


rule extract_activations:
    """Every chosen layer of one model on one set of stimuli, in one pass."""
    input:
        stimuli="results/stimuli/{stimuli}.h5",
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        activations="results/activations/{stimuli}/{model}/{weights}.h5",
    log:
        "results/logs/extract_activations/{stimuli}/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/extract_activations/{stimuli}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=request.extraction_mem_mb,
        runtime=request.extraction_runtime,
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("extract_activations"),
        network=ex.network_of,
        layers=ex.named_layers,
        n_layers=config["activations"]["layers"],
        side=config["activations"]["side"],
        dtype=config["activations"]["dtype"],
        batch_size=config["activations"]["batch_size"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/extract_activations.py"
