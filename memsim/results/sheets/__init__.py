"""What is said of each result, laid out."""
