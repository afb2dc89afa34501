"""Worlds whose answer is known: simulated arrays, their archive, digits with a shortcut.

May import `data`, `formats`, `numerics`, `running` and `itcortex.files`."""
