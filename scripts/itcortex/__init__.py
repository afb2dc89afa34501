"""Predict inferotemporal cortex from deep networks: the library behind the workflow's scripts."""
