"""What is remembered, and for how long.

Belongs here: ages (freshness.py, pure), one fetch for any number of asks (flights.py), answers that may change
(answers.py), immutable files (artifacts.py for small ones, zips.py for large ones with download.py, spool.py and
checking.py), absence, the memory of ready things (memory.py). Not here: how bytes and rows are made durable (storage/),
where they come from (source/), what a client sees of it (serve/).
"""
