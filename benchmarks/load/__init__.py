"""How load is made: one file for each generator.

Belongs here: running one, and reading its figures. Not here: what is asked, and how often (scenarios/).
"""
