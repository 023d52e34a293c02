"""Tests of dataflow, without any service."""
