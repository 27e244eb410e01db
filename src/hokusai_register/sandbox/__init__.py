"""A Hokusai service on loopback, to try things on."""
