"""Alembic's migrations of the rows; run by storage/migrate.py in a child process."""
