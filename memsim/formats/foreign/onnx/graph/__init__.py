"""The graph of an ONNX file in plain data: tensors, operators, branches, and the shapes of values.

``tensors`` reads what a file holds, ``nodes`` makes records of operators, ``functions`` writes out
those that a file defines itself, ``kinds`` follows data types and ``shapes`` says how large the
output of an operator is whose inputs are known.
"""
