"""Bounds: what no policy and no tiling can go below."""
