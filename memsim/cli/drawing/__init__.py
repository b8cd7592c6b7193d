"""Commands that draw and that write traces."""
