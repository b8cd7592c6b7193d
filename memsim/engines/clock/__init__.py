"""The clock: when the bytes move, event by event or in closed form."""
