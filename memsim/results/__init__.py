"""Results: facts that are found by simulation. How they look is said in ``sheets``."""
