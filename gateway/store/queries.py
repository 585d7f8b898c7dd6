"""The SQL of the ledger: every statement serves a whole batch or a whole page."""

# ruff: noqa: S608 - statements are put together from constants of this file, values are bound

from __future__ import annotations

from gateway.ports import Query
from gateway.store.codec import LASTING, MOVING, micros

_COLUMNS = ", ".join(f"x.{name}" for name in (*LASTING, *MOVING))
_ATTEMPTS = """(
    SELECT json_group_array(json_array(number, message_id, envelope_sha256, began_at, not_sent))
    FROM (SELECT * FROM attempt AS a WHERE a.exchange = x.id ORDER BY a.position)
)"""
EXCHANGE = f"{_COLUMNS}, {_ATTEMPTS}"
"""All of an exchange, for `codec.exchange_from`; the table is called x."""

# --- what the writer must know before it writes -------------------------------------------------

HEADS = """
SELECT x.id, x.revision, j.hash
FROM exchange AS x LEFT JOIN journal AS j ON j.chain = x.id AND j.sequence = x.revision
WHERE x.id IN (SELECT value FROM json_each(?))
"""

# As `guard.stands_in_the_way`: what a sender had refused a thousand times need not be read again.
_STANDING = "x.part_of = '' AND (x.outcome IS NULL OR x.outcome = 'registered')"

SAME_DOCUMENT = f"""
SELECT {EXCHANGE} FROM exchange AS x
WHERE x.local_uid IN (SELECT value FROM json_each(?)) AND x.local_uid <> '' AND {_STANDING}
"""

SAME_MARKS = f"""
SELECT {EXCHANGE} FROM json_each(?) AS wanted JOIN exchange AS x
    ON x.patient = wanted.value ->> 2 AND x.protocol_number = wanted.value ->> 3
    AND x.organization = wanted.value ->> 0 AND x.kind = wanted.value ->> 1
    AND x.patient <> '' AND {_STANDING}
"""

KNOWN_KEYS = """
SELECT i.sender, i.key FROM json_each(?) AS wanted JOIN idempotency AS i
    ON i.sender = wanted.value ->> 0 AND i.key = wanted.value ->> 1
"""

KNOWN_CALLBACKS = """
SELECT c.endpoint, c.partner, c.message_id FROM json_each(?) AS wanted JOIN callback AS c
    ON c.message_id = wanted.value ->> 2 AND c.partner = wanted.value ->> 1
    AND c.endpoint = wanted.value ->> 0 AND c.message_id <> ''
"""

LAST_ENTRY = "SELECT sequence, hash FROM journal WHERE chain = ? ORDER BY sequence DESC LIMIT 1"

# --- writing: `{rows}` stands for as many rows as the batch has --------------------------------

INSERT_EXCHANGES = (
    f"INSERT INTO exchange ({', '.join((*LASTING, *MOVING))}, late_answers) VALUES {{rows}}"
)
_CHANGES = ", ".join(f"{name} = new.column{place}" for place, name in enumerate(MOVING, start=4))
UPDATE_EXCHANGES = f"""
UPDATE exchange SET {_CHANGES}, late_answers = late_answers + new.column3
FROM (VALUES {{rows}}) AS new
WHERE exchange.id = new.column1 AND exchange.revision = new.column2
"""
INSERT_ATTEMPTS = "INSERT OR REPLACE INTO attempt VALUES {rows}"
INSERT_JOURNAL = "INSERT INTO journal (chain, sequence, at, event, facts, hash) VALUES {rows}"
INSERT_WIRES = """
INSERT INTO wire (
    exchange, sequence, position, direction, name, message_id, relates_to, note, sha256, body
) VALUES {rows}
"""
INSERT_PAYLOADS = """
INSERT INTO payload (exchange, name, content_type, sha256, body) VALUES {rows}
ON CONFLICT (exchange, name) DO UPDATE SET
    content_type = excluded.content_type, sha256 = excluded.sha256, body = excluded.body
"""
INSERT_INBOX = "INSERT INTO inbox (sender, exchange, kind, at, body, webhook_due) VALUES {rows}"
INSERT_CALLBACKS = """
INSERT INTO callback (
    endpoint, partner, message_id, received_at, name, note, exchange, sha256, body
) VALUES {rows}
"""
INSERT_STRAYS = """
INSERT INTO stray (endpoint, received_at, source, reason, size, sha256, head) VALUES {rows}
"""
INSERT_KEYS = "INSERT INTO idempotency VALUES {rows}"
UPDATE_WEBHOOKS = """
UPDATE inbox SET webhook_due = new.column2, webhook_tries = webhook_tries + new.column3
FROM (VALUES {rows}) AS new WHERE inbox.id = new.column1
"""
INSERT_CHECKPOINTS = "INSERT INTO checkpoint VALUES {rows}"
INSERT_CHECKPOINT_HEADS = "INSERT INTO checkpoint_head VALUES {rows}"

# --- claiming -----------------------------------------------------------------------------------

# Word for word the condition of the index exchange_waiting, else SQLite does not use it.
_WAITING = "y.due IS NOT NULL AND NOT (y.state = 'signed' AND y.held_by <> '')"

# A loose scan: from one lane of the index to the next, never over the rows of a lane.
_LANES = f"""
WITH RECURSIVE lane (sender, priority) AS (
    SELECT * FROM (
        SELECT y.sender, y.priority FROM exchange AS y WHERE {_WAITING}
        ORDER BY y.sender, y.priority LIMIT 1
    )
    UNION ALL
    SELECT z.sender, z.priority FROM lane JOIN exchange AS z ON z.rowid = coalesce((
        SELECT y.rowid FROM exchange AS y
        WHERE {_WAITING} AND y.sender = lane.sender AND y.priority > lane.priority
        ORDER BY y.priority LIMIT 1
    ), (
        SELECT y.rowid FROM exchange AS y
        WHERE {_WAITING} AND y.sender > lane.sender
        ORDER BY y.sender, y.priority LIMIT 1
    ))
)
"""

DUE = f"""
{_LANES}
SELECT x.id, x.sender, x.priority, x.due FROM lane JOIN exchange AS x ON x.rowid IN (
    SELECT y.rowid FROM exchange AS y
    WHERE {_WAITING} AND y.sender = lane.sender AND y.priority = lane.priority
    AND y.due <= :now AND y.id NOT IN (SELECT value FROM json_each(:hand))
    ORDER BY y.due LIMIT :limit
)
"""
"""Of each sender and priority the longest due, without those in hand."""

NEXT_DUE = f"""
{_LANES}
SELECT min((
    SELECT y.due FROM exchange AS y
    WHERE {_WAITING} AND y.sender = lane.sender AND y.priority = lane.priority
    AND y.id NOT IN (SELECT value FROM json_each(:hand))
    ORDER BY y.due LIMIT 1
)) FROM lane
"""

# --- finding ------------------------------------------------------------------------------------

_FROM = f"SELECT {EXCHANGE} FROM exchange AS x"

BY_ID = f"{_FROM} WHERE x.id = ?"
BY_IDS = f"{_FROM} WHERE x.id IN (SELECT value FROM json_each(?))"
BY_DOCUMENT = f"{_FROM} WHERE x.local_uid = ? ORDER BY x.id DESC"
BY_SET = f"{_FROM} WHERE x.organization = ? AND x.set_id = ? AND x.set_id <> '' ORDER BY x.id DESC"
BY_HOLDER = f"{_FROM} WHERE x.held_by = ? AND x.held_by <> '' ORDER BY x.id DESC"
FREED = f"""
{_FROM} WHERE x.held_by <> '' AND x.held_by > '' AND EXISTS (
    SELECT 1 FROM exchange AS holder WHERE holder.id = x.held_by AND holder.outcome IS NOT NULL
) ORDER BY +x.id DESC
"""
BY_NUMBER = f"""
{_FROM} WHERE x.endpoint = ? AND x.number = ? AND x.number <> '' ORDER BY x.id DESC LIMIT 1
"""
BY_ATTEMPT = f"""
{_FROM} WHERE x.id IN (SELECT exchange FROM attempt WHERE message_id = ?)
ORDER BY x.id DESC LIMIT 1
"""
PAGE = f"{_FROM} WHERE {{where}} ORDER BY x.id DESC LIMIT ?"

PAYLOAD = "SELECT sha256, body FROM payload WHERE exchange = ? AND name = ?"
PAYLOAD_NAMES = "SELECT name FROM payload WHERE exchange = ? ORDER BY name"
CHAIN = "SELECT sequence, at, event, facts, hash FROM journal WHERE chain = ? ORDER BY sequence"
WIRES = """
SELECT sequence, position, direction, name, message_id, relates_to, note, sha256, body
FROM wire WHERE exchange = ? ORDER BY sequence, position
"""
PAYLOADS = "SELECT name, sha256, body FROM payload WHERE exchange = ?"
KEY = "SELECT * FROM idempotency WHERE sender = ? AND key = ?"

_ENTRY = "SELECT id, sender, exchange, kind, at, body, webhook_due, webhook_tries FROM inbox"
INBOX = f"{_ENTRY} WHERE sender = ? AND id > ? ORDER BY id LIMIT ?"
# `+id`: by the index of what is owed, not through the whole inbox in the order of ids.
DUE_WEBHOOKS = f"""
{_ENTRY} WHERE webhook_due IS NOT NULL AND webhook_due <= ?
AND NOT EXISTS (SELECT 1 FROM exchange AS e WHERE e.id = inbox.exchange AND e.state = 'answered')
ORDER BY +id LIMIT ?
"""
OWED_WEBHOOKS = f"{_ENTRY} WHERE exchange = ? AND webhook_due IS NOT NULL ORDER BY id"

# --- counting -----------------------------------------------------------------------------------

STANDING = "SELECT endpoint, state, count(*) FROM exchange WHERE state <> 'closed' GROUP BY 1, 2"
OLDEST_AWAITING = """
SELECT endpoint, min(first_sent_at) FROM exchange
WHERE state <> 'closed' AND first_sent_at IS NOT NULL AND state NOT IN ('answered', 'parked')
GROUP BY endpoint
"""
# One word for each of `outcomes.COLUMNS`, as `outcomes.column_of` counts.
REPORT = """
SELECT {by}
    count(*),
    sum(outcome IS 'registered'),
    sum(outcome IS 'rejected'),
    sum(outcome IS 'refused'),
    sum(outcome IS 'cancelled'),
    sum(outcome IS NULL AND state <> 'parked' AND first_sent_at IS NULL),
    sum(outcome IS NULL AND state <> 'parked' AND first_sent_at IS NOT NULL),
    sum(outcome IS NULL AND state <> 'parked' AND first_sent_at IS NOT NULL
        AND answer_due IS NOT NULL AND answer_due < ?),
    sum(outcome IS NULL AND state = 'parked'),
    sum(late_answers)
FROM exchange AS x WHERE part_of = '' AND {where} {group}
"""
REPORT_COLUMNS = (
    "documents",
    "registered",
    "rejected",
    "refused",
    "cancelled",
    "open",
    "awaiting",
    "overdue",
    "parked",
    "not_registered_in_time",
)
DIMENSIONS = {"endpoint": "endpoint", "document": "profile", "organization": "organization"}

# --- proving ------------------------------------------------------------------------------------

CHAINS = "SELECT DISTINCT chain FROM journal UNION SELECT id FROM exchange ORDER BY 1"
REVISION = "SELECT revision, state FROM exchange WHERE id = ?"
HASH_AT = "SELECT hash FROM journal WHERE chain = ? AND sequence = ?"
CHECKPOINTS = "SELECT number, at, root, hash, signature FROM checkpoint ORDER BY number"
CHECKPOINT_HEADS = """
SELECT chain, sequence, hash FROM checkpoint_head WHERE checkpoint = ? ORDER BY chain
"""
LAST_CHECKPOINT = "SELECT number, hash FROM checkpoint ORDER BY number DESC LIMIT 1"
# The newest entry that the last checkpoint saw is the head of one of its chains.
GROWN = """
SELECT chain, max(sequence), hash FROM journal NOT INDEXED WHERE id > coalesce((
    SELECT max(j.id) FROM checkpoint_head AS h
    JOIN journal AS j ON j.chain = h.chain AND j.sequence = h.sequence
    WHERE h.checkpoint = (SELECT max(number) FROM checkpoint)
), 0) GROUP BY chain
"""


def condition(query: Query) -> tuple[str, list[str | int]]:
    """Return the WHERE of a search with its values, without the page."""
    equal = {
        "sender": query.sender,
        "endpoint": query.endpoint,
        "organization": query.organization,
        "local_uid": query.local_uid,
        "set_id": query.set_id,
        "number": query.number,
        "patient": query.patient,
    }
    limits = {
        "due <": query.due_before,
        "received_at >=": query.received_from,
        "received_at <": query.received_to,
    }
    among = {"state": query.states, "outcome": query.outcomes}
    terms = ["1"]
    values: list[str | int] = []
    for name, text in equal.items():
        if text:
            # What is named is never empty, which opens the partial indexes.
            terms.append(f"x.{name} = ? AND x.{name} <> ''")
            values.append(text)
    for name, when in limits.items():
        if when is not None:
            terms.append(f"x.{name} ?")
            values.append(micros(when))
    for name, words in among.items():
        if words:
            terms.append(f"x.{name} IN ({', '.join('?' * len(words))})")
            values.extend(word.value for word in words)
    return " AND ".join(terms), values
