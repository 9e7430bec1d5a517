"""Reports from the records: the metrics of `router.core.measures`, per interval or day, of queues, agents, skills and
intents.

    periods    the intervals and days of a centre's time zone
    figures    rows of the records -> tallies -> metrics
    report     the whole of a report, and what it may be asked for

`documents.tables` writes them.
"""
