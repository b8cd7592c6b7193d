"""Questions the other way round: which machine reaches a goal."""
