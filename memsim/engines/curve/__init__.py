"""The curve: which bytes move, at every capacity at once."""
