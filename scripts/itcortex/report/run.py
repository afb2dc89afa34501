"""What a report is about, beside its tables and pictures."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Run:
    """One run of an experiment.

    Attributes
    ----------
    settings : configuration, defaults filled in.
    datasets : the registry's datasets in use, by name.
    registry : its other entries in use, by kind and name.
    looks : label, colour and marker of every category of networks.
    versions, fingerprints : of packages and of the rules' code, by name.
    provenance : what record_provenance wrote.
    """

    experiment: str
    settings: dict
    datasets: dict
    registry: dict
    looks: dict[str, dict]
    versions: dict[str, str] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)
