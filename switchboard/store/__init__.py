"""The centre's records: a projection of the journal into a database, from which reports and stories are read.

The journal is the truth; it is written before anything is carried out and needs no database. A thread of its own
(`projector`) follows the journal's files and commits rows together with the position up to which it has read. So every
record is stored exactly once, whatever happens to the database or the engine, and the records can be made anew from the
journals at any time (`switchboard store rebuild`).

    schema       the tables            migrations   how they change between versions (alembic)
    database     opening, upgrading    follower     reads the journal's files from a position on
    projection   records -> rows       batch        rows on their way into the database
    projector    the thread            queue_log    the same happenings as lines of Asterisk's queue_log
"""
