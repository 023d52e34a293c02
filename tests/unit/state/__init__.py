"""Tests of what is kept per key, and of the domain's plain types."""
