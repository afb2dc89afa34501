"""From one layer to one array: features, folds, PLS, ridge, reverse, RSA and CKA.

May import `regression`, `similarity` and `numerics`."""
