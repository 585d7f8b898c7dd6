"""The gateway for medical-social expertise (МСЭ) between hospital systems and the state."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mse-gateway")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
