"""DRAM traffic of real runs: what was measured, what is said of it, and what was kept."""
