"""ONNX files as networks.

``read`` is the way through: ``wire`` leaves the weights out of the file, ``file`` makes records of
the rest with what ``graph`` knows of tensors, branches and functions, ``patterns`` joins operators
that belong together, ``constants`` computes shapes, and the rules stand in ``ops``, ``quantised``,
``views`` and ``windows``.
"""
