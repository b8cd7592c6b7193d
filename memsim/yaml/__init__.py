"""YAML files as text, as documents that know their lines, and the faults found in them."""
