"""The geometry of representations: RDMs, CKA, their comparison and their ceilings.

May import `data` and `numerics`."""
