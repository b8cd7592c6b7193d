"""Commands that read and write networks."""
