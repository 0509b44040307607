"""Answers to questions that take a study to answer, such as how many clusters are enough."""
