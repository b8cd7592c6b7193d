"""Searches: which parameters of a network's file make the most of what a run tells.

``expression`` reads objectives and constraints, ``measures`` finds the facts that they name,
``space`` says what may be varied, and ``verb`` puts them into a study of Optuna, whose business
samplers, storage and resuming are.
"""
