"""The kernels of real libraries, as spans of memory that they read and write."""
