"""The moments of a run: what a cache holds after each task, and what leaves it."""
