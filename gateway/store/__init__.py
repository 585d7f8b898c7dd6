"""Where exchanges live: the ledger over SQLite, and its tested twin in memory."""
