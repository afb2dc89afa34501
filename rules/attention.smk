"""Agreement of what networks and people look at."""


rule score_attention:
    """Agreement of one model's saliency with maps of human attention (ClickMe, OSIE)."""
    input:
        photographs=attention.photographs,
        weights="results/weights/{model}/{weights}.safetensors",
    output:
        scores="results/{experiment}/attention/{attention}/{model}/{weights}.parquet",
        examples="results/{experiment}/attention/{attention}/{model}/{weights}.examples.h5",
    log:
        "results/{experiment}/logs/score_attention/{attention}/{model}/{weights}.log",
    benchmark:
        "results/{experiment}/benchmarks/score_attention/{attention}/{model}/{weights}.tsv"
    conda:
        "../envs/networks.yaml"
    resources:
        mem_mb=request.saliency_mem_mb,
        runtime=request.saliency_runtime,
        gpu=ex.gpus,
    params:
        code=ex.code_of_network("score_attention"),
        labels=ex.labels,
        data_format=attention.format,
        network=ex.network_of,
        batch_size=ex.batch_size,
        blur=config["attention"]["blur"],
        n_examples=config["attention"]["examples"],
        covering=ex.settings["attention"]["covering"],
        device=config["device"],
        seed=config["seed"],
    script:
        "../scripts/score_attention.py"


rule collect_attention:
    """Every model's agreement with human attention as one tidy table."""
    input:
        scores=ex.per_model(
            "results/{experiment}/attention/{attention}/{model}/{weights}.parquet",
            attention=ex.attention,
        ),
        ceilings=attention.measured_ceilings,
        models="results/{experiment}/tables/models.parquet",
    output:
        table="results/{experiment}/tables/attention.parquet",
        table_csv="results/{experiment}/tables/attention.csv",
    log:
        "results/{experiment}/logs/collect_attention.log",
    benchmark:
        "results/{experiment}/benchmarks/collect_attention.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("collect_attention"),
        used=attention.ceilings_used,
        published=attention.published_ceilings,
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/collect_attention.py"


rule plot_attention:
    """Agreement with human attention against ImageNet accuracy, and examples."""
    input:
        table="results/{experiment}/tables/attention.parquet",
        photographs=attention.first_photographs,
        examples=attention.first_examples,
    output:
        pdf="results/{experiment}/figures/attention.pdf",
        png=report(
            "results/{experiment}/figures/attention.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["attention"]},
        ),
        rst="results/{experiment}/figures/attention.rst",
    log:
        "results/{experiment}/logs/plot_attention.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_attention.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_attention"),
        title=TITLES["attention"],
        caption=CAPTIONS["attention"],
        data_format=attention.first_format,
        models=ex.shown_names,
        n_images=config["figures"]["images"],
        blur=config["attention"]["blur"],
        saliency="raw",
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/plot_attention.py"


rule plot_conditions_gallery:
    """Where one network looks, before training and under every condition."""
    input:
        photographs=attention.first_photographs,
        examples=attention.examples_by_condition,
        scores=attention.scores_by_condition,
    output:
        pdf="results/{experiment}/figures/conditions_gallery.pdf",
        png=report(
            "results/{experiment}/figures/conditions_gallery.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["conditions_gallery"]},
        ),
        rst="results/{experiment}/figures/conditions_gallery.rst",
    log:
        "results/{experiment}/logs/plot_conditions_gallery.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_conditions_gallery.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_conditions_gallery"),
        title=TITLES["conditions_gallery"],
        caption=CAPTIONS["conditions_gallery"],
        data_format=attention.first_format,
        names=[*ex.one_by_condition],
        network=ex.model_in_gallery,
        n_images=config["attention"]["examples"],
        blur=config["attention"]["blur"],
    script:
        "../scripts/plot_conditions_gallery.py"


rule plot_changes:
    """Changes of predictivity against changes of agreement with people, from strength 0."""
    input:
        conditions="results/{experiment}/tables/conditions.parquet",
        seeds="results/{experiment}/tables/condition_seeds.parquet",
    output:
        pdf="results/{experiment}/figures/changes.pdf",
        png=report(
            "results/{experiment}/figures/changes.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["changes"]},
        ),
        rst="results/{experiment}/figures/changes.rst",
    log:
        "results/{experiment}/logs/plot_changes.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_changes.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_changes"),
        title=TITLES["changes"],
        caption=CAPTIONS["changes"],
        mapping=config["encoding"]["mappings"][0],
    script:
        "../scripts/plot_changes.py"


rule plot_people:
    """Predictivity against agreement with people."""
    input:
        attention="results/{experiment}/tables/attention.parquet",
        summary="results/{experiment}/tables/summary.parquet",
    output:
        pdf="results/{experiment}/figures/people.pdf",
        png=report(
            "results/{experiment}/figures/people.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["people"]},
        ),
        rst="results/{experiment}/figures/people.rst",
    log:
        "results/{experiment}/logs/plot_people.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_people.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_people"),
        title=TITLES["people"],
        caption=CAPTIONS["people"],
        score=config["statistics"]["score"],
        mapping=config["encoding"]["mappings"][0],
        saliency="raw",
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/plot_people.py"
