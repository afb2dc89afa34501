"""Concepts (CRAFT): parts of photographs that a layer answers to, and what each of them is good for.

May import `data`, `networks` and `numerics`.
"""
