"""Two runs beside each other, layer by layer: what changed from one to the other.

``asked`` reads what is compared and runs it, ``stored`` reads results that were written, ``side``
holds the facts of either, ``alignment`` matches the layers, ``difference`` tells what became of
them.
"""
