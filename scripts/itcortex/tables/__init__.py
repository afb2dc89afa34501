"""Tables over models: summaries, statistics, panels.

May import `numerics`."""
