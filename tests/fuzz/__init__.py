"""Files of any content are read, or refused in a sentence: a target for coverage-guided fuzzing."""
