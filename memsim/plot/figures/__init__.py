"""Every kind of figure, a file each."""
