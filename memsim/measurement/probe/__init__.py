"""What a machine can do: bandwidth, peak, overhead."""
