"""Weights of every model: one producer now, `train_harmonized` joins as the second."""


rule fetch_weights:
    """One model's weights as safetensors, with their digest; never on a compute node."""
    output:
        weights="results/weights/{model}/{weights}.safetensors",
    log:
        "results/logs/fetch_weights/{model}/{weights}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{model}/{weights}.tsv"
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=1900,
        runtime=60,
    params:
        code=fingerprint("fetch_weights"),
        architecture=lambda wildcards: row(wildcards)["architecture"],
        source=lambda wildcards: row(wildcards)["source"],
    script:
        "../scripts/fetch_weights.py"
