"""What a study claims of its results, held against them."""
