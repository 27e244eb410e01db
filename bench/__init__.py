"""How fast, how small and how flat it is, beside what people use today: `make bench`."""
