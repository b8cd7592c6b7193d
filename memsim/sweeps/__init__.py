"""Sweeps: many simulations whose options are axes, as one dataset.

Read ``axis`` first: an option and its values. A ``space`` is the product of axes; it falls apart
into groups, each of which is one program on one machine but for its cache, its bandwidth and its
compute rate, and groups into chunks. ``work`` finds the facts of a chunk, ``execute`` hands chunks
out, ``store`` keeps what is finished, ``dataset`` puts it together and ``files`` writes it.
"""
