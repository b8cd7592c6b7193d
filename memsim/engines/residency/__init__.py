"""Residency: what to keep on chip and when, decided before a program runs."""
