"""Heaps: which address a block of memory gets."""
