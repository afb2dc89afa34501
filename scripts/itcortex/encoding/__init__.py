"""One encoding job: targets, protocols, all layers; ceilings, orientation, map alignment.

May import `mappings`, `regression`, `data` and `numerics`."""
