"""Bring a database to the newest schema: `python -m modgate.storage.migrate FILE`.

Run by storage/sqlite.py in a child, because Alembic and SQLAlchemy cost 0.6 s and 40 MB that no serving process needs.
"""

from __future__ import annotations

import sys
from pathlib import Path


def migrate(file: Path) -> None:
    """Upgrade the SQLite database `file`, in one transaction for each migration."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


if __name__ == "__main__":
    migrate(Path(sys.argv[1]))
