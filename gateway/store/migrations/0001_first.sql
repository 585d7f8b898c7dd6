-- Where exchanges live. Moments are microseconds since 1970-01-01T00:00Z, given by the caller.
-- Bodies are compressed, and sealed where a key is configured (gateway/store/bodies.py).
-- No column holds an identifier of a patient: `patient` is an HMAC.

CREATE TABLE exchange (
    id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    profile TEXT NOT NULL,
    kind TEXT NOT NULL,
    local_uid TEXT NOT NULL COLLATE NOCASE,
    sender TEXT NOT NULL,
    organization TEXT NOT NULL,
    document_sha256 TEXT NOT NULL,
    set_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    protocol_number TEXT NOT NULL,
    patient TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    part_of TEXT NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    due INTEGER,
    attempt INTEGER NOT NULL,
    answer_due INTEGER,
    tries INTEGER NOT NULL,
    outcome TEXT,
    number TEXT NOT NULL,
    registered_at INTEGER,
    rejection TEXT,
    parked_from TEXT,
    parked_because TEXT NOT NULL,
    held_by TEXT NOT NULL,
    replaces TEXT NOT NULL,
    priority INTEGER NOT NULL,
    findings TEXT NOT NULL,
    first_sent_at INTEGER,
    -- How many answers said «не зарегистрирован за отведённое время».
    late_answers INTEGER NOT NULL DEFAULT 0
);

-- The claim walks the lanes of this index: one lane a sender and priority, the longest due first.
CREATE INDEX exchange_waiting ON exchange (sender, priority, due)
    WHERE due IS NOT NULL AND NOT (state = 'signed' AND held_by <> '');
CREATE INDEX exchange_standing ON exchange (endpoint, state, first_sent_at)
    WHERE state <> 'closed';
CREATE INDEX exchange_document ON exchange (local_uid);
CREATE INDEX exchange_twin ON exchange (patient, protocol_number)
    WHERE patient <> '';
CREATE INDEX exchange_set ON exchange (organization, set_id) WHERE set_id <> '';
CREATE INDEX exchange_held ON exchange (held_by) WHERE held_by <> '';
CREATE INDEX exchange_number ON exchange (endpoint, number) WHERE number <> '';
CREATE INDEX exchange_sender ON exchange (sender, id);

CREATE TABLE attempt (
    exchange TEXT NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    envelope_sha256 TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    not_sent INTEGER NOT NULL,
    PRIMARY KEY (exchange, position)
) WITHOUT ROWID;
CREATE INDEX attempt_message ON attempt (message_id);

-- Append-only. The hash before an entry's own is that of the entry before it.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    chain TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    facts TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (chain, sequence)
);

CREATE TABLE wire (
    id INTEGER PRIMARY KEY,
    exchange TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    position INTEGER NOT NULL,
    direction TEXT NOT NULL,
    name TEXT NOT NULL,
    message_id TEXT NOT NULL,
    relates_to TEXT NOT NULL,
    note TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (exchange, sequence, position)
);

CREATE TABLE payload (
    id INTEGER PRIMARY KEY,
    exchange TEXT NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (exchange, name)
);

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    exchange TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    webhook_due INTEGER,
    webhook_tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX inbox_sender ON inbox (sender, id);
CREATE INDEX inbox_owed ON inbox (webhook_due) WHERE webhook_due IS NOT NULL;
CREATE INDEX inbox_exchange ON inbox (exchange) WHERE webhook_due IS NOT NULL;

CREATE TABLE callback (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    partner TEXT NOT NULL,
    message_id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    note TEXT NOT NULL,
    exchange TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX callback_once ON callback (message_id, partner, endpoint)
    WHERE message_id <> '';

CREATE TABLE stray (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    head BLOB NOT NULL
);

CREATE TABLE idempotency (
    sender TEXT NOT NULL,
    key TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    status INTEGER NOT NULL,
    location TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (sender, key)
);

CREATE TABLE checkpoint (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    root TEXT NOT NULL,
    hash TEXT NOT NULL,
    signature BLOB NOT NULL
);

CREATE TABLE checkpoint_head (
    checkpoint INTEGER NOT NULL,
    chain TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (checkpoint, chain)
) WITHOUT ROWID;
