"""Where a real process's memory lies: malloc's calls, recorded and replayed."""
