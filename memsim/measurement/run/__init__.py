"""A network that really runs in PyTorch, timed whole and kernel by kernel."""
