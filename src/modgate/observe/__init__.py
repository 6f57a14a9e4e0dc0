"""What can be seen of a running gateway: numbers, access-log lines, events and the application log.

Belongs here: how such things are counted, written and shown. Not here: what they mean; nothing above this package is
known.
"""
