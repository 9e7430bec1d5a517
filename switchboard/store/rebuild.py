"""Making the records anew from the journals."""

from pathlib import Path

from switchboard.centre import Centre
from switchboard.store.database import open_centre_store, upgrade
from switchboard.store.projector import Projector
from switchboard.store.schema import KEPT, metadata


def rebuild(centre: Centre) -> int:
    """Empties the tables and stores all that the journals have; how many records that are. Published versions of the
    flows, which no journal has, stay.

    No engine may be working in the directory: the caller holds its lock. In one transaction for the emptying, so that a
    failure before it changes nothing; after it, any start of the engine goes on with the storing. Raises StoreError,
    JournalError or what the database has against it.
    """
    store = open_centre_store(centre)
    upgrade(store)
    with store.begin() as connection:
        for table in metadata.sorted_tables:
            if table not in KEPT:
                connection.execute(table.delete())
    projector = Projector(lambda: store, Path(centre.settings.engine.directory))
    try:
        return projector.catch_up()
    finally:
        projector.close()
