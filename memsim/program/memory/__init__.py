"""Memory: where feature maps lie while a program runs."""
