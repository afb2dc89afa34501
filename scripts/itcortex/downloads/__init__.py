"""A registered file on its way here: brought, verified, pinned.

May import `data`, `formats`, `running` and `itcortex.files`."""
