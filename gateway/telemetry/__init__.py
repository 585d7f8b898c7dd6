"""One seam through which metrics, logs and health are told."""
