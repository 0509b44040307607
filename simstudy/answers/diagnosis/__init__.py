"""How wrong the analysis of one data set is."""
