"""What is fast, what is not, and beside whom: ``make bench``."""
