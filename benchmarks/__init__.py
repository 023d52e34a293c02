"""What a bar costs here, beside other ways to compute the same; `make bench` runs it."""
