"""The schema of the rows, once, in SQLAlchemy Core.

The serving process never imports this (SQLAlchemy costs 31 MB): it creates a new database from `schema.sql`, which a
test compares with this file and with what the migrations make, and reads by the standard sqlite3. Only the short-lived
migration child imports it.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

artifacts = Table(
    "artifacts",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("h1", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("stored", Float, nullable=False),
    Column("evidence", Text, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

answers = Table(
    "answers",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("version", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("fetched", Float, nullable=False),
    Column("expired", Boolean, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

cells = Table(
    "cells",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
