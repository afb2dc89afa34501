"""Training with the harmonizer: plan, recipe, loop, checkpoints, cost.

May import `harmonizer`, `attention`, `weights`, `networks`, `data` and `store`."""
