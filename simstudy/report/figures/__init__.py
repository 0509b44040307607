"""The figures of a report, a file and a `@plot` each; `simstudy.plots` finds them."""
