"""Made-up tables and files with the columns of the real ones, for tests of figures and report.

Everything is seeded. The numbers look like those of the paper but mean nothing.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from itcortex import store
from itcortex.data.recordings import Recording
from itcortex.data.stimuli import Stimuli

# name, weights, category, family, top-1 (%), predictivity before noise
DEMO = [
    ("tf_efficientnet_lite0", "imagenet", "cnn", "efficientnet", 75.1, 0.52),
    ("tf_efficientnet_lite1", "imagenet", "cnn", "efficientnet", 76.8, 0.50),
    ("tf_efficientnet_lite2", "imagenet", "cnn", "efficientnet", 77.6, 0.51),
    ("resnet18", "untrained", "untrained", "resnet", 0.1, 0.24),
    ("vit_tiny_patch16_224", "untrained", "untrained", "vit", 0.1, 0.17),
]
#: What the table of models says of a network that was trained here; columns that all tables get.
DESCRIPTION = {"category": "cnn", "family": "f", "top1": 70.0, "baseline": "z w",
               "series": "harmonized", "condition": "human", "strength": 0.5, "seed": 1.0}  # fmt: skip
RECORDINGS = {
    "m1_pl": ("Monkey 1", "PL"),
    "m1_ml": ("Monkey 1", "ML"),
    "m2_ml": ("Monkey 2", "ML"),
}
CEILINGS = {"m1_pl": 0.70, "m1_ml": 0.62, "m2_ml": 0.56}
STARTS = np.arange(0.0, 260.0, 20.0)
LAYERS = [f"blocks.{i}" for i in range(10)]


def paper_models(rng: np.random.Generator) -> list[tuple]:
    """As many models as in the paper, with families, six harmonized twins and two untrained."""
    counts = {"cnn": 62, "extra_data": 23, "vit": 25, "self_supervised": 10, "robust": 15}
    models = []
    for category, count in counts.items():
        for i in range(count):
            top1 = float(np.clip(rng.normal(79, 4), 64, 88.5))
            level = rng.normal(0.45, 0.05) - 0.002 * max(top1 - 78, 0)
            models.append(
                (f"{category}_{i}", "imagenet", category, f"f{category}{i // 4}", top1, level)
            )
    twins = [
        (name, "harmonized", "harmonized", family, top1 - 0.5, level + 0.12)
        for name, _, _, family, top1, level in models[:6]
    ]
    return models + twins + DEMO[3:]


def summary(models=None, recordings=RECORDINGS, simulated=True, starts=STARTS) -> pd.DataFrame:
    """A summary table: every window for real images, the main window for shuffled ones too."""
    rng = np.random.default_rng(7)
    models = DEMO if models is None else models
    main = starts[min(4, len(starts) - 1)]
    rows = []
    for recording, (monkey, area) in recordings.items():
        ceiling = CEILINGS.get(recording, 0.76)
        for name, weights, category, family, top1, level in models:
            noise = rng.normal(0, 0.02)
            for start in starts:
                for control in ("none", "shuffled_images"):
                    if control != "none" and start != main:
                        continue
                    course = np.exp(-0.5 * ((start - main) / 50) ** 2)
                    ratio = (level + noise) * course if control == "none" else rng.normal(0, 0.01)
                    half = 0.04 + 0.01 * rng.random()
                    rows.append(
                        {
                            "recording": recording,
                            "model": name,
                            "weights": weights,
                            "mapping": "pls",
                            "protocol": "leave_one_image_out",
                            "control": control,
                            "top1": top1,
                            "category": category,
                            "family": family,
                            "baseline": "",
                            "series": "",
                            "condition": "",
                            "strength": np.nan,
                            "seed": np.nan,
                            "window_start": start,
                            "window_stop": start + 40,
                            "main_window": start == main,
                            "r": ratio * ceiling,
                            "r_low": (ratio - half) * ceiling,
                            "r_high": (ratio + half) * ceiling,
                            "r_within_kinds": ratio * ceiling,
                            "r_within_kinds_low": (ratio - half) * ceiling,
                            "r_within_kinds_high": (ratio + half) * ceiling,
                            "kinds_matter": False,
                            "rho": ratio * ceiling * 0.95,
                            "explained_variance": (ratio * ceiling) ** 2,
                            "ceiling_name": "split_half_bound",
                            "ceiling": ceiling,
                            "r_over_ceiling": ratio,
                            "r_over_ceiling_low": ratio - half,
                            "r_over_ceiling_high": ratio + half,
                            "layer": LAYERS[6],
                            "r_best_layer": ratio * ceiling + 0.01,
                            "optimism": 0.01,
                            "n_images": 14,
                            "n_twins": 0,
                            "n_kinds": 1,
                            "n_sites": 32,
                            "undefined_sites": 0,
                            "undefined_folds": 0,
                            "loudest_unit": 8.0,
                            "penalty_at_edge": np.nan,
                            "simulated": simulated,
                            "area": area,
                            "monkey": monkey,
                            "mark": "",
                        }
                    )
    return pd.DataFrame(rows)


def scores(table: pd.DataFrame, folds: int = 4) -> pd.DataFrame:
    """A scores table that fits a summary: every layer and fold of the main window."""
    rng = np.random.default_rng(8)
    rows = []
    main = table[table.main_window]
    for row in main.to_dict("records"):
        for index, layer in enumerate(LAYERS):
            depth = index / (len(LAYERS) - 1)
            level = row["r_over_ceiling"] * np.exp(-(((depth - 0.65) / 0.5) ** 2))
            for fold in range(folds):
                ratio = level + rng.normal(0, 0.03)
                rows.append(
                    {
                        **{
                            k: row[k]
                            for k in (
                                "recording",
                                "model",
                                "weights",
                                "mapping",
                                "protocol",
                                "control",
                                "top1",
                                "category",
                                "family",
                                "window_start",
                                "window_stop",
                                "main_window",
                            )
                        },
                        "layer": layer,
                        "depth": depth,
                        "fold": f"image{fold:02d}.png",
                        "n_sites": 32,
                        "undefined_sites": 0,
                        "r": ratio * row["ceiling"],
                        "rho": ratio * row["ceiling"],
                        "explained_variance": 0.1,
                        "chosen": index == (6 if fold else 5),
                    }
                )
    # what comes from Parquet: texts as categories
    texts = ["recording", "model", "weights", "mapping", "protocol", "control", "layer", "fold"]
    return pd.DataFrame(rows).astype(dict.fromkeys(texts, "category"))


def ceilings(table: pd.DataFrame) -> pd.DataFrame:
    """A ceilings table that fits a summary: two kinds a recording, one of them used."""
    rows = []
    for (recording, start, stop), group in table[table.main_window].groupby(
        ["recording", "window_start", "window_stop"]
    ):
        for name, used in (("split_half_bound", True), ("best_pair", False)):
            for fold in range(3):
                rows.append(
                    {
                        "recording": recording,
                        "ceiling_name": name,
                        "window_start": start,
                        "window_stop": stop,
                        "fold": f"image{fold:02d}.png",
                        "value": group.ceiling.iloc[0] + 0.01 * fold,
                        "used": used,
                    }
                )
    return pd.DataFrame(rows)


def alignment(table: pd.DataFrame) -> pd.DataFrame:
    """An alignment table that fits a summary: site averages at three scales."""
    rng = np.random.default_rng(9)
    rows = []
    main = table[table.main_window & (table.control == "none")]
    for row in main.to_dict("records"):
        for scale in (1, 2, 4):
            for image in range(3):
                rows.append(
                    {
                        **{
                            k: row[k]
                            for k in ("recording", "model", "weights", "top1", "category", "family")
                        },
                        "image": f"image{image:02d}.png",
                        "scale": scale,
                        "site": "average",
                        "rho": row["r_over_ceiling"] + rng.normal(0, 0.05),
                        "p": 0.01 if row["category"] != "untrained" else 0.4,
                        "null_high": 0.3,
                    }
                )
    return pd.DataFrame(rows)


def orientation(table: pd.DataFrame) -> pd.DataFrame:
    """An orientation table that fits a summary: the configured orientation is best."""
    main = table[table.main_window & (table.control == "none")]
    names = ["as configured", "flipped vertically", "transposed"]
    rows = [
        {"recording": row["recording"], "model": row["model"], "weights": row["weights"],
         "layer": row["layer"], "orientation": name, "r": row["r"] / (1 + 5 * k)}
        for row in main.to_dict("records")
        for k, name in enumerate(names)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise with neighbours alike: a map that looks like one."""
    field = rng.normal(size=shape)
    for axis in (1, 2):
        if shape[axis] > 1:
            field = (np.roll(field, 1, axis) + 2 * field + np.roll(field, -1, axis)) / 4
    return field


def files(folder: Path, grid=(17, 17), n_images=6, n_ms=300, models=("a imagenet", "b untrained")):
    """Write a recording, its stimuli and predictions; return their paths and the recording's name.

    Predictions are the recording's window mean plus noise, more of it for every further model.
    """
    rng = np.random.default_rng(10)
    n_sites, window = 5, (90.0, 130.0) if n_ms > 1 else (0.0, 100.0)
    width = 1.0 if n_ms > 1 else 100.0
    ids = tuple(f"photo{i}.jpg" for i in range(n_images))
    sites = tuple(f"site{i:02d}" for i in range(n_sites))
    name = f"made_{grid[0]}x{grid[1]}"
    maps = 10 + 4 * _smooth(rng, (n_images, *grid, 1, n_sites))
    time = np.exp(-0.5 * ((np.arange(n_ms) - 115) / 40) ** 2) if n_ms > 1 else np.ones(1)
    attributes = {
        "monkey": "Monkey 1",
        "area": "PL",
        "unit": "spikes/s",
        "ms_start": 0.0,
        "ms_bin": width,
        "source": "made",
        "protocol": "made",
        "simulated": True,
    }
    noise = rng.normal(0, 1, (n_images, *grid, n_ms, n_sites))
    responses = (maps * time[:, None] + noise).astype(np.float32)
    recording = Recording(responses, ids, sites, attributes)
    paths = {
        "recording": folder / f"{name}.h5",
        "stimuli": folder / f"{name}_stimuli.h5",
        "predictions": [],
    }
    store.write_recording(paths["recording"], recording)
    rows, columns = np.mgrid[0:96, 0:96]
    images = np.stack(
        [
            np.stack(
                [
                    128 + 90 * np.sin(rows / (5 + i) + k) * np.cos(columns / (9 - i % 3))
                    for k in range(3)
                ],
                axis=-1,
            )
            for i in range(n_images)
        ]
    ).astype(np.uint8)
    # stimuli are in another order than the recording: they are joined by id
    store.write_stimuli(paths["stimuli"], Stimuli(images[::-1], ids[::-1]))
    for level, label in enumerate(models, start=1):
        model, weights = label.split()
        predicted = maps + level * 3 * _smooth(rng, maps.shape)
        about = {
            **attributes,
            "model": model,
            "weights": weights,
            "recording": name,
            "window": window,
            "layers": dict.fromkeys(ids, LAYERS[6]),
            "ms_start": window[0],
            "ms_bin": window[1] - window[0],
        }
        path = folder / f"{name}_{model}_{weights}.predictions.h5"
        store.write_recording(path, Recording(predicted.astype(np.float32), ids, sites, about))
        paths["predictions"].append(path)
    return paths, name


def models(summary):
    """The model table of a summary, as collect_models writes it: nothing is missing."""
    told = [
        "model",
        "weights",
        "category",
        "family",
        "top1",
        "baseline",
        "series",
        "condition",
        "strength",
        "seed",
    ]
    rows = summary[told].drop_duplicates(["model", "weights"]).reset_index(drop=True)
    rows = rows.assign(architecture=rows["model"], source="untrained:0", training="", missing="")
    noted = dict.fromkeys(["training_images", "held_out_images", "kept_epoch", "agreement"], np.nan)
    return rows.assign(**noted, mark="")


def rsa():
    """RSA of two layers of one model."""
    row = {"rdm": "monkey", "model": "m", "weights": "w", "pattern": "map", "top1": 70.0}
    row |= {"rho_chosen_held_out": 0.42, "rho_chosen_held_out_low": 0.38}
    row |= {"rho_chosen_held_out_high": 0.47, "rho": 0.3, "rho_low": 0.2, "rho_high": 0.4}
    row |= {"optimism": 0.01, "n_kinds": 1}
    return pd.DataFrame([row | {"final": final} for final in (False, True)])


def attention():
    """Scores of one model and of the centre of the picture."""
    row = {"attention": "photos", "map_kind": "eye", "saliency": "raw", "rho": 0.2, "rho_low": 0.1}
    row |= {"rho_high": 0.3, "rho_partial": 0.11, "rho_partial_low": 0.08, "rho_partial_high": 0.14}
    row |= {"ceiling": 0.8, "rho_over_ceiling": 0.25}
    model = {"model": "m", "weights": "w", "control": "none"}
    return pd.DataFrame([row | model, row | {"model": "", "weights": "", "control": "centre_bias"}])


def shortcut():
    """The digits study as collect_shortcut writes it: two strengths, one seed."""
    about = {"model": "net", "recording": "sites", "seed": 0, "n_images": 60, "n_broken": 54}
    rows = [
        {
            "strength": 0.0,
            "accuracy_broken": 0.05,
            "alignment_gradient": 0.4,
            "r_over_ceiling": 0.3,
        },
        {
            "strength": 1.0,
            "accuracy_broken": 0.83,
            "alignment_gradient": 0.8,
            "r_over_ceiling": 0.5,
        },
    ]
    measured = {"accuracy_intact": 0.9, "shortcut_answers": 0.1, "alignment_occlusion": 0.5}
    return pd.DataFrame([about | measured | row for row in rows])
