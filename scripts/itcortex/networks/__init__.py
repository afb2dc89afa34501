"""A row of the model table as a network: building it, its layers, its activations.

May import `data`, `numerics` and `running`."""
