"""Measuring: networks that really run in PyTorch, and the machine they run on."""
