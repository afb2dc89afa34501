"""What is fetched from elsewhere: data, and all that a machine without internet will need."""


localrules:
    download_data,
    stage_data,


rule download_data:
    """Fetch one file of a dataset from the mirror or its addresses; verify its checksum, or pin it."""
    output:
        file="results/data/{dataset}/{file}",
    log:
        "results/logs/download_data/{dataset}/{file}.log",
    benchmark:
        "results/benchmarks/download_data/{dataset}/{file}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(600),
        runtime=rising(120),
    params:
        # no code fingerprint: a checksum says all there is to say about a download
        urls=data.urls,
        sha256=data.of_download("sha256"),
        size=data.of_download("bytes"),
        members=data.of_download("members"),
        lock=config["lock"],
    script:
        "../scripts/download_data.py"


rule stage_data:
    """All that the experiment needs from the network, data and weights: for a login node."""
    input:
        data.downloads,
        published.downloads,
        expand(
            "results/weights/{model}/{weights}.safetensors",
            zip,
            model=ex.fetched["model"],
            weights=ex.fetched["weights"],
        ),
