"""A network as a PyTorch module that runs.

``module`` builds it layer by layer: ``layers`` says which PyTorch module each operator is, and
``draft`` holds the graph meanwhile.
"""
