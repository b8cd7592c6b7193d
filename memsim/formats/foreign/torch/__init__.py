"""PyTorch modules as networks.

``reading`` reads a module: ``capture`` traces it, ``trace`` makes records of its graph, the rules
stand in ``rules``. ``source`` finds the module that a command line names.
"""
