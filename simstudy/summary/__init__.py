"""From rows, a study's or anybody's, to a summary.

Two sources of rows, stored parts and a frame; then one way: blocks, totals, pairs, measures, a
table.
"""
