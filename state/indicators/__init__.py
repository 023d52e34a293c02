"""The indicators: talipp's own, with constant work and bounded memory per bar.

A *series* is a plain list of floats: `series[-1]` belongs to this bar, `series[-1 - k]` to the bar k bars
earlier. Values that are not defined (yet) are NaN, so that every comparison with one is false.
"""
