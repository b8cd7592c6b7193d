"""Commands that measure, fit machines and compare with what was measured."""
