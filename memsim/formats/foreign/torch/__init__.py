"""PyTorch modules as networks.

``trace`` makes records of a module, the rules stand in ``rules``, and ``source`` finds the module
that a command line names.
"""
