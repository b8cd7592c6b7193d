"""A network as a PyTorch module that runs."""
