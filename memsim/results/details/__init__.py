"""Details of a run: what figures, traces and pages show beyond the totals, derived when asked."""
