"""What operators of foreign graphs become, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""
