"""The ledger on disk, and its twin in memory."""
