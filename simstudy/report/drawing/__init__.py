"""What figures share: the page, the style, the axes, the numbers and rows they show."""
