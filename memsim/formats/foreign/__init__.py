"""Networks that other programs describe: ONNX files and PyTorch modules.

Each reader, ``onnx`` and ``torch``, turns its graph into ``records`` in plain data and has a rule
for each operator. The ``importer`` walks the records and keeps the layers that the rules add, most
of them with ``elementwise``, ``moves`` and ``windows``, which take plain numbers and serve both.
What no rule knows is ``unknown``: refused, or counted without its MACs.
"""
