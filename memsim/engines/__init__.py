"""Engines: cache pass, replay, recurrence. All read the same program."""
