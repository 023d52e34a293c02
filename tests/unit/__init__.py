"""Tests of one thing at a time: no service, no network."""
