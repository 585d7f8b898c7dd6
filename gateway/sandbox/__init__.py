"""The counterparts over the wire, written from their protocols."""
