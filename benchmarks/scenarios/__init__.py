"""What is measured: one file for each scenario, with a function `run(stage, results)`.

Its docstring says what the scenario means for a user.

Belongs here: what is asked, how often, of whom, and in which order. Not here: the bounds (targets.py). Another scenario
comes in as a file, and one line in ../__main__.py.
"""
