"""Predict inferotemporal cortex from deep networks: the library behind the workflow's scripts.

The public names are those of `__all__`. Each is imported when it is first asked for, so that
``import itcortex`` loads nothing, and torch only where a network runs. All work on arrays, data frames
and xarray alike, and run the code that the workflow runs (see `itcortex.api`).
"""

__all__ = [
    "PLS",
    "Features",
    "GroupedKFold",
    "Predictivity",
    "RidgePerTarget",
    "UserError",
    "align_maps",
    "choose_layer",
    "extract_features",
    "harmonizer_loss",
    "load_recording",
    "load_scores",
    "noise_ceiling",
    "open_scores",
    "predict_responses",
    "predictivity",
    "prepare_for_harmonizing",
    "tradeoff",
]


def __getattr__(name: str):
    """A public name, from its module, when it is first asked for (PEP 562)."""
    from importlib import import_module, metadata  # noqa: PLC0415 (nothing runs on import)

    homes = {
        "PLS": "api.estimators",
        "Features": "api.inputs",
        "GroupedKFold": "api.estimators",
        "Predictivity": "api.encoding",
        "RidgePerTarget": "api.estimators",
        "UserError": "errors",
        "align_maps": "api.encoding",
        "choose_layer": "api.encoding",
        "extract_features": "api.networks",
        "harmonizer_loss": "harmonizer.loss",
        "load_recording": "api.results",
        "load_scores": "api.results",
        "noise_ceiling": "api.encoding",
        "open_scores": "api.results",
        "predict_responses": "api.results",
        "predictivity": "api.encoding",
        "prepare_for_harmonizing": "harmonizer.prepare",
        "tradeoff": "api.tradeoff",
    }
    if name == "__version__":
        return metadata.version("itcortex")
    if name not in homes:
        raise AttributeError(f"module 'itcortex' has no attribute {name!r}")
    value = getattr(import_module(f"itcortex.{homes[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
