"""The cache pass: which bytes move, at one capacity."""
