"""What `make bench` measures. Nothing here is a test: machines are noisy, so figures are read, not asserted."""
