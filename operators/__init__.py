"""What happens per item: parsing, checking, running strategies, the emission rule. Pure logic, no I/O."""
