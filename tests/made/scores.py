"""Made-up tables of scores in the layouts that others publish, and networks whose trend is known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

# name, top-1 (share), V4, IT, i2n: nothing here was measured
NETWORKS = [
    ("resnet-101_v2", 0.774, 0.61, 0.55, 0.31),
    ("mobilenet_v1_0.25_128", 0.415, 0.60, 0.50, 0.14),
    ("mobilenet_v1_1.0_224", 0.709, 0.62, 0.60, 0.33),
    ("vgg-16", 0.715, 0.64, 0.58, 0.30),
]


def cornet_csv(path: Path) -> Path:
    """`data.csv` of CORnet-S: the second network has no scores of IT."""
    table = pd.DataFrame(
        {
            "Model": [one[0] for one in NETWORKS],
            "ImageNet": [one[1] for one in NETWORKS],
            "V4": [one[2] for one in NETWORKS],
            "IT": [0.55, np.nan, 0.60, 0.58],
            "IT (new data)": [0.5, np.nan, np.nan, np.nan],
            "IT (new images)": [0.6, np.nan, np.nan, np.nan],
            "Behavior": [one[4] for one in NETWORKS],
            "Behavior (new data)": [0.7, np.nan, np.nan, np.nan],
            "Paper": "https://example.org",
        }
    )
    table.to_csv(path, index=False)
    return path


def brainscore_records(scores: pd.DataFrame) -> list[dict]:
    """Records of the leaderboard's website, from the columns of `brainscore_scores`.

    A benchmark is named with its version, a network with the address of who submitted it, or alone.
    """
    records = []
    for k, row in enumerate(scores.to_dict("records")):
        owner = [] if k % 3 == 0 else ["somebody@example.org"]
        fields = {name: row[name] for name in ("score_ceiled", "score_raw", "error")}
        fields |= {"start_timestamp": "2018-09-01 12:00:00", "benchmark": [row["benchmark"], 2]}
        fields |= {"model": [row["model"], *owner]}
        records.append({"model": "benchmarks.Score", "fields": fields})
    return records


def brainscore_json(path: Path, scores: pd.DataFrame | None = None) -> Path:
    """The website's file; of `NETWORKS`, without an accuracy for the last, where no scores are given."""
    path.write_text(
        json.dumps(brainscore_records(brainscore_scores() if scores is None else scores))
    )
    return path


def brainscore_scores() -> pd.DataFrame:
    """Scores of `NETWORKS` on V4, IT, i2n and a benchmark that is not read; no top-1 of the last."""
    rows = []
    for name, top1, v4, it, i2n in NETWORKS:
        values = {
            "dicarlo.MajajHong2015.V4-pls": v4,
            "dicarlo.MajajHong2015.IT-pls": it,
            "dicarlo.Rajalingham2018-i2n": i2n,
            "dicarlo.Kar2019-ost": np.nan,
            "fei-fei.Deng2009-top1": top1,
        }
        for benchmark, value in values.items():
            if name != "vgg-16" or "top1" not in benchmark:
                rows.append((name, benchmark, value, value**2 / 0.8, 0.004))
    return pd.DataFrame(rows, columns=["model", "benchmark", "score_raw", "score_ceiled", "error"])


def gokce_csv(path: Path) -> Path:
    """`benchmark_scores.csv`: ImageNet, ecoset, pretrained, self-supervised, adversarial, untrained."""
    # name, architecture, data, accuracy there, pretrained, untrained, self-supervised, adversarial
    networks = [
        ("resnet18_imagenet_full", "resnet18", "imagenet", 0.6954, False, False, False, False),
        ("resnet18_ecoset_full", "resnet18", "ecoset", 0.62, False, False, False, False),
        ("convnext_tiny.fb_in1k", "convnext_tiny", "fb_in1k", np.nan, True, False, False, False),
        ("resnet50_imagenet_simclr", "resnet50", "imagenet", 0.61, False, False, True, False),
        ("deit_small_imagenet_adv", "deit_small", "imagenet", 0.55, False, False, False, True),
        ("alexnet_imagenet_random", "alexnet", "imagenet", np.nan, False, True, False, False),
    ]
    benchmarks = {
        "movshon.FreemanZiemba2013public.V1-pls": "V1",
        "dicarlo.MajajHong2015public.IT-pls": "IT",
        "dicarlo.Rajalingham2018public-i2n": "Behavioral",
    }
    names = ["model_id", "arch", "dataset", "acc", "is_pretrained", "is_random", "is_ssl", "is_adv"]
    rows = [
        dict(zip(names, network, strict=True))
        | {"benchmark_name": benchmark, "region": region, "n_params": 1e6 * (k + 1)}
        | {"score": 0.1 * (k + 1) + 0.01 * j, "seed": 0}
        for k, network in enumerate(networks)
        for j, (benchmark, region) in enumerate(benchmarks.items())
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def onevision_csv(path: Path) -> Path:
    """`model_type_reference.csv`: two accuracies and two alignments of every network."""
    path.write_text(
        "model,model_type,acc,co3d_alignment,imgnet_alignment,imgnet_acc\n"
        "efficientvit_b0.r224_in1k,vit,0.77,0.62,1.38,71.4\n"
        "seresnet50.ra2_in1k,cnn,0.85,0.61,1.07,80.3\n"
    )
    return path


def maps_csv(path: Path) -> Path:
    """`ImageNet-top1_VS_Rajalingham2018-i2n.csv`, with its spaces, repetitions and namesakes."""
    path.write_text(
        "model,ImageNet-top1_v1-score,Rajalingham2018-i2n_v2-score\n"
        '"convnext_tiny:in12k_ft_in1k",".805",".570"\n'
        '" vonegrcnn_47e",".60",".45"\n'
        '"alexnet",".519",".370"\n"alexnet",".519",".370"\n"alexnet",".577",".370"\n'
    )
    return path


def deepnsd_csvs(folder: Path) -> list[Path]:
    """`results_summary.csv` and `imagenet1k.csv`, whose column is misspelt as the published one."""
    results, accuracies = folder / "results_summary.csv", folder / "imagenet1k.csv"
    head = "model_string,architecture,model_class,train_task,train_data,total_parameter_count"
    head += ",metric,score"
    lines = [
        f"{name},{architecture},{kind},{task},{data},{parameters},{metric},{score}"
        for name, architecture, kind, task, data, parameters, score in [
            (
                "alexnet_classification",
                "alexnet",
                "Convolutional",
                "classification",
                "imagenet",
                61,
                0.2,
            ),
            ("seer_regnet", "RegNet-32Gf", "Convolutional", "seer", "random1B", 145, 0.3),
            ("edge_taskonomy", "resnet50", "Convolutional", "taskonomy", "taskonomy", 25, 0.1),
            ("vit_base_random", "vit_base_patch16_224", "Transformer", "random", "NA", 86, 0.02),
        ]
        for metric in ("crsa", "srpr")
    ]
    results.write_text("\n".join([head, *lines]))
    accuracies.write_text(
        "model_string,imagnet1k_top1\nalexnet_classification,56.522\nseer_regnet,\n"
    )
    return [results, accuracies]


def figure_csv(path: Path) -> Path:
    """Points read off a figure, with comments above; one is harmonized."""
    path.write_text(
        "# Source: nobody\npanel,category,imagenet_top1,neural_predictivity,visible_fraction\n"
        "M1_PL,cnn,71.2,0.41,0.9\nM1_PL,harmonized,76.0,0.55,1.0\nM1_ML,selfsup,70.0,0.35,0.8\n"
    )
    return path


def networks(
    rng: np.random.Generator,
    families: int,
    members: int | np.ndarray,
    *,
    slope: float = 0.0,
    family_sd: float = 0.0,
    noise: float = 1.0,
    spread: float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracy, score and family of made networks: score = slope accuracy + level of family + noise.

    Accuracies are those of families (standard deviation 1, times 5 %, about 70 %) plus the members' own
    (`spread`, times 5 %). Levels of families have standard deviation `family_sd`, noise `noise`.
    """
    sizes = np.broadcast_to(members, families)
    family = np.repeat(np.arange(families), sizes)
    x = rng.normal(size=families)[family] + spread * rng.normal(size=len(family))
    y = (
        slope * x
        + family_sd * rng.normal(size=families)[family]
        + noise * rng.normal(size=len(family))
    )
    return 70 + 5 * x, y, np.array([f"f{k:03d}" for k in family])


def tidy_scores(
    source: str, accuracy, score, family, region: str = "IT", **columns
) -> pd.DataFrame:
    """Made networks as rows of the layout of published scores."""
    from itcortex.data.published.scores.layout import tidy

    rows = pd.DataFrame(
        {
            "source": source,
            "model": [f"{name}_{k}" for k, name in enumerate(family)],
            "accuracy": accuracy,
            "region": region,
            "benchmark": f"{region} made",
            "metric": "pls",
            "score": score,
        }
        | columns
    )
    return tidy(rows).assign(family=family)
