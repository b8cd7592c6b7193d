"""YAML as memsim reads it, under machine files and architecture files alike.

Read ``text`` first: it turns a text into a ``document``, plain data that knows the line and column
of each of its values. ``faults`` says what is wrong with data that a pydantic model refuses.
"""
