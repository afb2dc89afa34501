"""Activations of every model on every set of stimuli."""


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
        mem_mb=network_mem_mb(80),
        runtime=extraction_runtime,
        gpu=int(config["device"].startswith("cuda")),
    params:
        code=code_of_network("extract_activations"),
        network=network_of,
        layers=named_layers,
        n_layers=config["activations"]["layers"],
        side=config["activations"]["side"],
        dtype=config["activations"]["dtype"],
        batch_size=config["activations"]["batch_size"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/extract_activations.py"
