"""Outbound HTTP, with a bound and a deadline on everything.

Belongs here: the client, its limits and deadlines, redirects, content encodings; what the settings say about hosts:
credentials, proxies, authorities. Not here: what a module is, what a status means for an ask (source/goproxy.py), when
to try again (source/retry.py).
"""
