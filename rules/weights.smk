"""Weights that are published or drawn; `train_harmonized` makes the others."""


localrules:
    fetch_weights,


rule fetch_weights:
    """One model's weights as safetensors, with their digest; never on a compute node."""
    input:
        file=weights_file,
    output:
        weights="results/weights/{model}/{weights}.safetensors",
    log:
        "results/logs/fetch_weights/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{model}/{weights}.tsv"
    wildcard_constraints:
        weights=any_of(FETCHED["weights"]),
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=fetching_mem_mb,
        runtime=rising(60),
    params:
        code=code_of_network("fetch_weights"),
        network=network_of,
        source=lambda wildcards: row(wildcards)["source"],
        sha256=lambda wildcards: row(wildcards)["sha256"],
    script:
        "../scripts/fetch_weights.py"
