"""The bundled documents, stamped and signed on demand."""
