"""Budgets that networks keep to, for continuous integration: a limit, and where it holds.

``budget`` reads one, ``verb`` runs what they ask for, ``checked`` holds the verdicts.
"""
