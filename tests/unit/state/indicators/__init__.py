"""Tests of the indicators: against talipp, against TA-Lib, and of what all of them promise."""
