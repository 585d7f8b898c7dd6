"""The names of XML-DSig, of canonical forms and of transforms that we read and write."""

from __future__ import annotations

from typing import Final

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE: Final = f"{{{DS}}}Signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_WITH_COMMENTS: Final = f"{EXCLUSIVE}WithComments"
INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_WITH_COMMENTS: Final = f"{INCLUSIVE}#WithComments"
ENVELOPED: Final = f"{DS}enveloped-signature"
SMEV: Final = "urn://smev-gov-ru/xmldsig/transform"
XML: Final = "http://www.w3.org/XML/1998/namespace"
XML_ID: Final = f"{{{XML}}}id"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSU_ID: Final = f"{{{WSU}}}Id"
