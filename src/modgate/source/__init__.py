"""Where modules come from: everything that answers an `Ask`, and the ways to combine such things.

Belongs here: Ask, Terms, Answer and Source (base.py), one file per kind of origin (goproxy.py, directory.py), one file
per combinator (chain.py, breaker.py). Not here: what is remembered (cache/), how bytes travel (net/), HTTP statuses
that our clients see (serve/).
"""
