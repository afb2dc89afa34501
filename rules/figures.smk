"""Figures of scores and maps, each as PDF and PNG."""


rule plot_tradeoff:
    """The main figure: predictivity against ImageNet top-1, one panel for each recording."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
        tradeoff="results/{experiment}/tables/tradeoff.parquet",
        published=ex.table_if_any("published"),
    output:
        pdf="results/{experiment}/figures/tradeoff.pdf",
        png=report(
            "results/{experiment}/figures/tradeoff.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["tradeoff"]},
        ),
        rst="results/{experiment}/figures/tradeoff.rst",
    log:
        "results/{experiment}/logs/plot_tradeoff.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_tradeoff.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_tradeoff"),
        title=TITLES["tradeoff"],
        caption=CAPTIONS["tradeoff"],
        score=config["statistics"]["score"],
        mapping=config["encoding"]["mappings"][0],
    script:
        "../scripts/plot_tradeoff.py"


rule plot_multiverse:
    """Specification curve: every answer in order, with the choices behind it below."""
    input:
        multiverse="results/{experiment}/tables/multiverse.parquet",
        influence="results/{experiment}/tables/multiverse_influence.parquet",
    output:
        pdf="results/{experiment}/figures/multiverse.pdf",
        png=report(
            "results/{experiment}/figures/multiverse.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["multiverse"]},
        ),
        rst="results/{experiment}/figures/multiverse.rst",
    log:
        "results/{experiment}/logs/plot_multiverse.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_multiverse.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_multiverse"),
        title=TITLES["multiverse"],
        caption=CAPTIONS["multiverse"],
    script:
        "../scripts/plot_multiverse.py"


rule plot_conditions:
    """What human maps change, measure by measure: paired differences with intervals."""
    input:
        table="results/{experiment}/tables/conditions.parquet",
    output:
        pdf="results/{experiment}/figures/conditions.pdf",
        png=report(
            "results/{experiment}/figures/conditions.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["conditions"]},
        ),
        rst="results/{experiment}/figures/conditions.rst",
    log:
        "results/{experiment}/logs/plot_conditions.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_conditions.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_conditions"),
        title=TITLES["conditions"],
        caption=CAPTIONS["conditions"],
        mapping=config["encoding"]["mappings"][0],
    script:
        "../scripts/plot_conditions.py"


rule plot_layers:
    """Predictivity of every layer against its depth."""
    input:
        scores="results/{experiment}/tables/scores.parquet",
        summary="results/{experiment}/tables/summary.parquet",
    output:
        pdf="results/{experiment}/figures/layers.pdf",
        png=report(
            "results/{experiment}/figures/layers.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["layers"]},
        ),
        rst="results/{experiment}/figures/layers.rst",
    log:
        "results/{experiment}/logs/plot_layers.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_layers.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_layers"),
        title=TITLES["layers"],
        caption=CAPTIONS["layers"],
        planted=teacher.planted,
        mapping=config["encoding"]["mappings"][0],
    script:
        "../scripts/plot_layers.py"


rule plot_recording_pairs:
    """Networks beside other recordings as predictors, on the images that these share."""
    input:
        pairs="results/{experiment}/tables/recording_pairs.parquet",
        shared="results/{experiment}/tables/shared_images.parquet",
    output:
        pdf="results/{experiment}/figures/recording_pairs.pdf",
        png=report(
            "results/{experiment}/figures/recording_pairs.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["recording_pairs"]},
        ),
        rst="results/{experiment}/figures/recording_pairs.rst",
    log:
        "results/{experiment}/logs/plot_recording_pairs.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_recording_pairs.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_recording_pairs"),
        title=TITLES["recording_pairs"],
        caption=CAPTIONS["recording_pairs"],
        mapping=analysis.site_mappings[0],
        simulated=data.simulated,
    script:
        "../scripts/plot_recording_pairs.py"


rule plot_site_counts:
    """How well other recordings predict a recording, over the number of their sites."""
    input:
        counts="results/{experiment}/tables/site_counts.parquet",
    output:
        pdf="results/{experiment}/figures/site_counts.pdf",
        png=report(
            "results/{experiment}/figures/site_counts.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["site_counts"]},
        ),
        rst="results/{experiment}/figures/site_counts.rst",
    log:
        "results/{experiment}/logs/plot_site_counts.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_site_counts.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_site_counts"),
        title=TITLES["site_counts"],
        caption=CAPTIONS["site_counts"],
        simulated=data.simulated,
    script:
        "../scripts/plot_site_counts.py"


rule plot_network_site_counts:
    """Score of the shown networks over the number of sites that are drawn."""
    input:
        counts="results/{experiment}/tables/network_site_counts.parquet",
    output:
        pdf="results/{experiment}/figures/network_site_counts.pdf",
        png=report(
            "results/{experiment}/figures/network_site_counts.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["network_site_counts"]},
        ),
        rst="results/{experiment}/figures/network_site_counts.rst",
    log:
        "results/{experiment}/logs/plot_network_site_counts.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_network_site_counts.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_network_site_counts"),
        title=TITLES["network_site_counts"],
        models=ex.shown_names,
        caption=CAPTIONS["network_site_counts"],
        simulated=data.simulated,
    script:
        "../scripts/plot_network_site_counts.py"


rule plot_maps:
    """Recorded against predicted maps of example images, over the photographs."""
    input:
        recordings=expand("results/recordings/{recording}.h5", recording=ex.recordings),
        stimuli=data.stimuli_of_recordings,
        predictions=ex.shown_predictions,
    output:
        pdf="results/{experiment}/figures/maps.pdf",
        png=report(
            "results/{experiment}/figures/maps.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["maps"]},
        ),
        rst="results/{experiment}/figures/maps.rst",
    log:
        "results/{experiment}/logs/plot_maps.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_maps.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1900),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_maps"),
        title=TITLES["maps"],
        caption=CAPTIONS["maps"],
        recording_names=ex.recordings,
        models=ex.shown_names,
        n_images=config["figures"]["images"],
    script:
        "../scripts/plot_maps.py"


rule plot_recordings:
    """Photographs of every recording, with the activity over them."""
    input:
        recordings=expand("results/recordings/{recording}.h5", recording=ex.recordings),
        stimuli=data.stimuli_of_recordings,
    output:
        pdf="results/{experiment}/figures/recordings.pdf",
        png=report(
            "results/{experiment}/figures/recordings.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["recordings"]},
        ),
        rst="results/{experiment}/figures/recordings.rst",
    log:
        "results/{experiment}/logs/plot_recordings.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_recordings.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_recordings"),
        title=TITLES["recordings"],
        caption=CAPTIONS["recordings"],
        recording_names=ex.recordings,
        windows=analysis.windows,
    script:
        "../scripts/plot_recordings.py"


rule plot_alignment:
    """Alignment of predicted with recorded maps against accuracy, at every scale."""
    input:
        alignment="results/{experiment}/tables/alignment.parquet",
        summary="results/{experiment}/tables/summary.parquet",
    output:
        pdf="results/{experiment}/figures/alignment.pdf",
        png=report(
            "results/{experiment}/figures/alignment.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["alignment"]},
        ),
        rst="results/{experiment}/figures/alignment.rst",
    log:
        "results/{experiment}/logs/plot_alignment.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_alignment.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_alignment"),
        title=TITLES["alignment"],
        caption=CAPTIONS["alignment"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/plot_alignment.py"


rule plot_timecourse:
    """Predictivity over time after stimulus onset, and the sites' mean response."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
        recordings=expand("results/recordings/{recording}.h5", recording=ex.recordings),
    output:
        pdf="results/{experiment}/figures/timecourse.pdf",
        png=report(
            "results/{experiment}/figures/timecourse.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["timecourse"]},
        ),
        rst="results/{experiment}/figures/timecourse.rst",
    log:
        "results/{experiment}/logs/plot_timecourse.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_timecourse.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_timecourse"),
        title=TITLES["timecourse"],
        caption=CAPTIONS["timecourse"],
        mapping=config["encoding"]["mappings"][0],
        recording_names=ex.recordings,
    script:
        "../scripts/plot_timecourse.py"


rule plot_kinds:
    """Images of every kind, so that a person can check what a table or a clustering says."""
    input:
        stimuli=data.of_kinds("results/stimuli/{stimuli}.h5"),
        images=data.of_kinds("results/stimuli/{stimuli}.parquet"),
    output:
        pdf="results/{experiment}/figures/kinds.pdf",
        png=report(
            "results/{experiment}/figures/kinds.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["kinds"]},
        ),
        rst="results/{experiment}/figures/kinds.rst",
    log:
        "results/{experiment}/logs/plot_kinds.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_kinds.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_kinds"),
        title=TITLES["kinds"],
        caption=CAPTIONS["kinds"],
        names=ex.kinds,
    script:
        "../scripts/plot_kinds.py"


rule plot_divisions:
    """Pictures of the parts into which a network's features divide images."""
    input:
        parts=analysis.all_parts,
        stimuli=analysis.divided_stimuli,
    output:
        pdf="results/{experiment}/figures/divisions.pdf",
        png=report(
            "results/{experiment}/figures/divisions.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["divisions"]},
        ),
        rst="results/{experiment}/figures/divisions.rst",
    log:
        "results/{experiment}/logs/plot_divisions.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_divisions.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_divisions"),
        title=TITLES["divisions"],
        caption=CAPTIONS["divisions"],
    script:
        "../scripts/plot_divisions.py"


rule plot_reverse:
    """Units of networks predicted from sites, beside what the noise of the sites leaves."""
    input:
        summary="results/{experiment}/tables/summary.parquet",
    output:
        pdf="results/{experiment}/figures/reverse.pdf",
        png=report(
            "results/{experiment}/figures/reverse.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["reverse"]},
        ),
        rst="results/{experiment}/figures/reverse.rst",
    log:
        "results/{experiment}/logs/plot_reverse.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_reverse.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_reverse"),
        title=TITLES["reverse"],
        caption=CAPTIONS["reverse"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/plot_reverse.py"


rule plot_generalisation:
    """Scores where test images are new, and what is lost against accuracy."""
    input:
        generalisation="results/{experiment}/tables/generalisation.parquet",
    output:
        pdf="results/{experiment}/figures/generalisation.pdf",
        png=report(
            "results/{experiment}/figures/generalisation.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["generalisation"]},
        ),
        rst="results/{experiment}/figures/generalisation.rst",
    log:
        "results/{experiment}/logs/plot_generalisation.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_generalisation.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_generalisation"),
        title=TITLES["generalisation"],
        caption=CAPTIONS["generalisation"],
        draws=config["statistics"]["draws"],
        seed=config["seed"],
    script:
        "../scripts/plot_generalisation.py"


rule plot_unique_variance:
    """What two networks explain, each beyond the other, and both."""
    input:
        unique_variance="results/{experiment}/tables/unique_variance.parquet",
        models="results/{experiment}/tables/models.parquet",
    output:
        pdf="results/{experiment}/figures/unique_variance.pdf",
        png=report(
            "results/{experiment}/figures/unique_variance.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["unique_variance"]},
        ),
        rst="results/{experiment}/figures/unique_variance.rst",
    log:
        "results/{experiment}/logs/plot_unique_variance.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_unique_variance.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_unique_variance"),
        title=TITLES["unique_variance"],
        caption=CAPTIONS["unique_variance"],
    script:
        "../scripts/plot_unique_variance.py"


rule plot_concepts:
    """Concepts of networks on a recording: crops, importance, and what they predict."""
    input:
        concepts="results/{experiment}/tables/concepts.parquet",
        encoding="results/{experiment}/tables/concept_encoding.parquet",
        found=analysis.concepts_shown,
    output:
        pdf="results/{experiment}/figures/concepts_{recording}.pdf",
        png=report(
            "results/{experiment}/figures/concepts_{recording}.png",
            caption="report/figure.rst",
            category="Figures",
            labels={"figure": TITLES["concepts_{recording}"]},
        ),
        rst="results/{experiment}/figures/concepts_{recording}.rst",
    log:
        "results/{experiment}/logs/plot_concepts/{recording}.log",
    benchmark:
        "results/{experiment}/benchmarks/plot_concepts/{recording}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=rising(1500),
        runtime=rising(30),
    params:
        code=ex.code_of("plot_concepts"),
        recording="{recording}",
        title=TITLES["concepts_{recording}"],
        caption=CAPTIONS["concepts_{recording}"],
    script:
        "../scripts/plot_concepts.py"
