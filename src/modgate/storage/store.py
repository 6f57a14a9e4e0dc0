"""One data directory, opened: what it gives to all namespaces of a process."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from modgate.errors import SetupError
from modgate.observe.events import Events
from modgate.storage.cells import Cells
from modgate.storage.commit import Commits
from modgate.storage.generations import Generations
from modgate.storage.layout import Layout
from modgate.storage.locks import Locks
from modgate.storage.namespace import Health, Namespace
from modgate.storage.session import session
from modgate.storage.sqlite import SqliteRecords
from modgate.storage.tree import Tree
from modgate.storage.writeback import WriteBack


@dataclass(frozen=True, slots=True)
class Store:
    """What one data directory gives to all namespaces of a process."""

    layout: Layout
    identity: str
    records: SqliteRecords
    commits: Commits
    generations: Generations
    session: str
    health: Health
    cells: Cells
    writeback: WriteBack
    namespaces: dict[str, Namespace] = field(default_factory=dict)

    def namespace(self, name: str, tree: Tree) -> Namespace:
        """The one of this name, always the same: two would give out the same temporary names."""
        if name not in self.namespaces:
            self.namespaces[name] = self._namespace(name, tree)
        return self.namespaces[name]

    def _namespace(self, name: str, tree: Tree) -> Namespace:
        return Namespace(
            name,
            records=self.records,
            commits=self.commits,
            tree=tree,
            locks=Locks(self.layout.spool),
            generations=self.generations,
            spool=self.layout.spool,
            session=self.session,
            writeback=self.writeback,
            health=self.health,
        )


def open_store(stack: AsyncExitStack, data: Path, events: Events) -> Store:
    """Open the data directory; `stack` closes it again. On a full disk the ballast makes room for that.

    Raises:
        SetupError: it cannot be used.
    """
    layout = Layout(data)
    try:
        with ExitStack() as trial:
            try:
                store = _opened(trial, layout, events)
            except (OSError, SetupError):
                trial.close()
                if not layout.drop_ballast():
                    raise
                store = _opened(trial, layout, events)
            else:
                layout.take_ballast()
            stack.push(trial.pop_all())
            return store
    except OSError as error:
        problem = f"{error.filename or data} cannot be used ({error.strerror or error})"
        raise SetupError("data", problem, "make room or give permissions, or name another directory") from error


def _opened(stack: ExitStack, layout: Layout, events: Events) -> Store:
    layout.create()
    prefix = stack.enter_context(session(layout.spool))
    generations = Generations(layout.generations)
    stack.callback(generations.close)
    records = SqliteRecords(layout.records)
    stack.callback(records.close)
    commits = Commits(records)
    stack.callback(commits.close)
    cells = Cells(layout.records, generations)
    stack.callback(cells.close)
    writeback = WriteBack()
    stack.callback(writeback.close)
    return Store(layout, layout.identity(), records, commits, generations, prefix, Health(events), cells, writeback)
