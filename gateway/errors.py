"""Who can mend it: every failure of the gateway names its mender.

An error text never carries patient data. `where` is a path into the sender's own document
(an XPath, a JSON pointer, an HL7 location) or the name of a setting.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """A failure with a cause, a place and a mender.

    `code` is a FHIR issue-type (http://hl7.org/fhir/R4/valueset-issue-type.html).
    """

    mender: ClassVar[str] = "gateway"
    code: ClassVar[str] = "exception"

    def __init__(self, text: str, *, where: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.where = where

    def __str__(self) -> str:
        return f"{self.text} [{self.where}]" if self.where else self.text


class SenderError(GatewayError):
    """The sender must change what it sends."""

    mender = "sender"
    code = "invalid"


class RecipientError(GatewayError):
    """The recipient said something that it should not say."""

    mender = "recipient"
    code = "processing"


class WeatherError(GatewayError):
    """Nobody is at fault and it passes: a timeout, a reset, a full queue."""

    mender = "nobody"
    code = "transient"


class HouseError(GatewayError):
    """The gateway's operator or its makers must mend it."""

    mender = "operator"
    code = "exception"


class MalformedMessage(SenderError):  # noqa: N818 - the field's word for it
    """The bytes are not what they claim to be; nothing can be read from them."""

    code = "structure"


class MessageTooLarge(MalformedMessage):
    """A limit on size, nesting or declarations was passed."""

    code = "too-long"


class SettingError(HouseError):
    """A setting is missing, unknown or contradicts another; `where` is its full key."""

    code = "value"


class CryptoUnavailable(WeatherError):  # noqa: N818 - a standing, not a fault
    """No signature backend here can do this algorithm or curve; the exchange waits."""

    code = "not-supported"


class Overtaken(WeatherError):  # noqa: N818 - what happened, not a fault
    """Somebody else has written this exchange since it was read; read it again."""

    code = "conflict"
