"""Strategies adapted from Quantzed."""
