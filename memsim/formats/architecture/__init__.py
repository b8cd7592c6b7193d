"""Architecture files: the YAML language in which networks are described."""
