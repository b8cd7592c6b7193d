"""DRAM bytes of real runs, as counters and simulated caches tell them."""
