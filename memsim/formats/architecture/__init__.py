"""Architecture files: the YAML language in which networks are described.

``file`` reads one: ``schema`` checks its top, ``items`` its layers one by one, and ``builder``
expands them into nodes. A layer's keyword (``keywords``) is an operator, or a macro (``macros``)
that stands for several layers. ``flat`` writes a network back, layer by layer.
"""
