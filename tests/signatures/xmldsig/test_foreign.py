"""XML signatures by judges that are not ours: xmlsec1, signxml, npm xml-crypto, openssl, Kalkan."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.signatures.algorithms import Family
from gateway.signatures.certificates import write_pem
from gateway.signatures.chain import Trust
from gateway.signatures.keys import SigningKey
from gateway.signatures.reasons import Fact
from gateway.signatures.xmldsig import (
    KZ,
    PLAIN,
    Profile,
    sign_element,
    sign_enveloped,
    verify_xmldsig,
)
from tests.signatures.conftest import NOON, Issue, Load

FOREIGN = Path(__file__).parents[2] / "foreign"
DOCUMENT = (
    "<a xmlns='urn:a' xmlns:q='urn:q' xml:lang='ru'><!-- c -->\n<b Id='x' q:z='1' xmlns:u='urn:u'>"
    "Ж MARK &amp; &#13;<u:c/></b><d/> tail</a>"
).encode()
PEM = "ru-clinic77-chair"
LATER = NOON + timedelta(days=36_500)  # signxml looks at the real clock

Sign = Callable[[bytes, str], bytes]


@pytest.fixture
def signers(key: Load, issue: Issue) -> dict[str, SigningKey]:
    return {"rsa": key(PEM), "ec": issue(family=Family.EC, not_after=LATER)}


def both_ways(signed: bytes) -> tuple[bytes, bytes]:
    tampered = signed.replace(b"MARK", b"MARX")
    assert tampered != signed
    return signed, tampered


# --- xmlsec1 -----------------------------------------------------------------------------------


@pytest.mark.foreign
@pytest.mark.parametrize("family", ["rsa", "ec"])
@pytest.mark.parametrize("profile", [PLAIN, KZ], ids=lambda profile: profile.name)
@pytest.mark.parametrize("uri", ["", "#x"])
def test_xmlsec_finds_our_signature_good(
    signers: dict[str, SigningKey],
    foreign: Callable[[str], str],
    tmp_path: Path,
    family: str,
    profile: Profile,
    uri: str,
) -> None:
    xmlsec, signer = foreign("xmlsec1"), signers[family]
    (tmp_path / "certificate.der").write_bytes(signer.certificate.der)
    signed = (
        sign_element(DOCUMENT, signer, profile, element_id="x")
        if uri
        else sign_enveloped(DOCUMENT, signer, profile)
    )

    verdicts = []
    for document in both_ways(signed):
        (tmp_path / "signed.xml").write_bytes(document)
        done = subprocess.run(
            [xmlsec, "--verify", "--pubkey-cert-der", tmp_path / "certificate.der",
             "--id-attr:Id", "urn:a:b", tmp_path / "signed.xml"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        verdicts.append(done.returncode == 0)

    assert verdicts == [True, False]


TEMPLATE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{method}"/><ds:SignatureMethod Algorithm="{algorithm}"/>
<ds:Reference URI="{uri}"><ds:Transforms>{transforms}</ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/>
</ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>
</ds:Signature>"""
ENVELOPED = '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
METHODS = [EXCLUSIVE, f"{EXCLUSIVE}WithComments", INCLUSIVE, f"{INCLUSIVE}#WithComments"]


@pytest.fixture
def ec_files(issue: Issue, tmp_path: Path) -> tuple[Path, Path]:
    """Return a private key of our own making and its certificate."""
    backend = issue().backend
    der = backend.generate(Family.EC)
    signer = issue(family=Family.EC, der=der, not_after=LATER)
    (tmp_path / "ec.key").write_bytes(write_pem("PRIVATE KEY", der))
    (tmp_path / "ec.pem").write_bytes(write_pem("CERTIFICATE", signer.certificate.der))
    return tmp_path / "ec.key", tmp_path / "ec.pem"


@pytest.mark.foreign
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("uri", ["", "#x"])
@pytest.mark.parametrize("family", ["rsa", "ec"])
def test_we_find_the_signature_of_xmlsec_good(
    pki: Path,
    ec_files: tuple[Path, Path],
    trust: Trust,
    foreign: Callable[[str], str],
    tmp_path: Path,
    method: str,
    uri: str,
    family: str,
) -> None:
    algorithm = (
        f"http://www.w3.org/2001/04/xmldsig-more#{'rsa' if family == 'rsa' else 'ecdsa'}-sha256"
    )
    step = f'<ds:Transform Algorithm="{method}"/>'
    template = TEMPLATE.format(
        method=method, algorithm=algorithm, uri=uri, transforms=step if uri else ENVELOPED + step
    )
    (tmp_path / "template.xml").write_bytes(DOCUMENT.replace(b"</a>", f"{template}</a>".encode()))
    names = (pki / f"{PEM}.key.pem", pki / f"{PEM}.cert.pem") if family == "rsa" else ec_files
    subprocess.run(
        [foreign("xmlsec1"), "--sign", "--privkey-pem", f"{names[0]},{names[1]}",
         "--id-attr:Id", "urn:a:b",
         "--output", tmp_path / "signed.xml", tmp_path / "template.xml"],
        check=True, capture_output=True,
    )  # fmt: skip

    good, tampered = both_ways((tmp_path / "signed.xml").read_bytes())

    verified = verify_xmldsig(good, trust, at=NOON)
    assert verified.verdict.valid
    assert verified.content is not None
    assert "Ж MARK".encode() in verified.content
    assert verify_xmldsig(tampered, trust, at=NOON).verdict.has(Fact.DIGEST_MISMATCH)


# --- signxml -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["rsa", "ec"])
@pytest.mark.parametrize("uri", ["", "#x"])
def test_signxml_finds_our_signature_good(
    signers: dict[str, SigningKey], family: str, uri: str
) -> None:
    signer = signers[family]
    document = DOCUMENT.replace(b"<!-- c -->", b"")
    signed = (
        sign_element(document, signer, element_id="x") if uri else sign_enveloped(document, signer)
    )
    certificate = x509.load_der_x509_certificate(signer.certificate.der)
    expected = SignatureConfiguration(require_x509=True, location=".//")

    good, tampered = both_ways(signed)

    found = XMLVerifier().verify(good, x509_cert=certificate, expect_config=expected)
    assert not isinstance(found, list)
    assert "Ж".encode() in found.signed_data
    with pytest.raises((InvalidDigest, InvalidSignature)):
        XMLVerifier().verify(tampered, x509_cert=certificate, expect_config=expected)


@pytest.mark.parametrize("family", ["rsa", "ec"])
@pytest.mark.parametrize(
    "method",
    [CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
     CanonicalizationMethod.CANONICAL_XML_1_0],
)  # fmt: skip
def test_we_find_the_signature_of_signxml_good(
    pki: Path,
    ec_files: tuple[Path, Path],
    trust: Trust,
    family: str,
    method: CanonicalizationMethod,
) -> None:
    key_file, certificate_file = ec_files
    if family == "rsa":
        key_file, certificate_file = pki / f"{PEM}.key.pem", pki / f"{PEM}.cert.pem"
    signer = XMLSigner(
        c14n_algorithm=method,
        signature_algorithm=(
            SignatureMethod.RSA_SHA256 if family == "rsa" else SignatureMethod.ECDSA_SHA256
        ),
        digest_algorithm=DigestAlgorithm.SHA256,
    )
    # lxml forgets xml: attributes above a part, and so does signxml.
    plain = DOCUMENT.replace(b" xml:lang='ru'", b"")
    root = signer.sign(
        etree.fromstring(plain),
        key=key_file.read_bytes(),
        cert=certificate_file.read_text("ascii"),
    )

    good, tampered = both_ways(etree.tostring(root))

    assert verify_xmldsig(good, trust, at=NOON).verdict.valid
    assert verify_xmldsig(tampered, trust, at=NOON).verdict.has(Fact.DIGEST_MISMATCH)


# --- npm xml-crypto ----------------------------------------------------------------------------


@pytest.fixture
def xml_crypto(foreign: Callable[[str], str]) -> Callable[[dict[str, str]], str]:
    node = foreign("node")
    if not (FOREIGN / "node_modules" / "xml-crypto").is_dir():
        foreign("npm ci in tests/foreign")

    def ask(order: dict[str, str]) -> str:
        return subprocess.run(
            [node, FOREIGN / "judge_xml.js"],
            input=json.dumps(order), capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    return ask


@pytest.mark.foreign
@pytest.mark.parametrize("uri", ["", "#x"])
def test_xml_crypto_finds_our_signature_good(
    signers: dict[str, SigningKey], xml_crypto: Callable[[dict[str, str]], str], uri: str
) -> None:
    signer = signers["rsa"]
    signed = (
        sign_element(DOCUMENT, signer, element_id="x") if uri else sign_enveloped(DOCUMENT, signer)
    )
    certificate = write_pem("CERTIFICATE", signer.certificate.der).decode()

    good, tampered = (
        json.loads(xml_crypto({"document": document.decode(), "certificate": certificate}))
        for document in both_ways(signed)
    )

    assert good["valid"], good
    assert "Ж" in good["signed"][0]
    assert not tampered["valid"]


@pytest.mark.foreign
@pytest.mark.parametrize("uri", ["", "#x"])
def test_we_find_the_signature_of_xml_crypto_good(
    pki: Path, trust: Trust, xml_crypto: Callable[[dict[str, str]], str], uri: str
) -> None:
    signed = xml_crypto(
        {
            "document": DOCUMENT.decode(),
            "uri": uri,
            "key": (pki / f"{PEM}.key.pem").read_text("ascii"),
            "certificate": (pki / f"{PEM}.cert.pem").read_text("ascii"),
        }
    )

    good, tampered = both_ways(signed.encode())

    assert verify_xmldsig(good, trust, at=NOON).verdict.valid
    assert verify_xmldsig(tampered, trust, at=NOON).verdict.has(Fact.DIGEST_MISMATCH)


# --- Kazakhstan --------------------------------------------------------------------------------


@pytest.mark.foreign
def test_openssl_finds_our_signature_of_kazakhstan_good(
    issue: Issue, foreign: Callable[[str], str], tmp_path: Path
) -> None:
    # lxml forgets xml: attributes above a part, and the judge uses it.
    plain = DOCUMENT.replace(b" xml:lang='ru'", b"")
    once = sign_enveloped(plain, issue(family=Family.RSA), KZ)
    signed = sign_enveloped(once, issue(family=Family.GOST_512_KZ), KZ)

    judged = []
    for document in both_ways(signed):
        (tmp_path / "signed.xml").write_bytes(document)
        judged.append(
            subprocess.run(
                [sys.executable, FOREIGN / "kz_xml.py", foreign("openssl"),
                 tmp_path / "signed.xml"],
                capture_output=True, text=True, check=True,
            ).stdout
        )  # fmt: skip

    assert judged == [
        "signature: Verified OK\ndigest: equal\n",
        "signature: Verified OK\ndigest: different\n",
    ]


@pytest.fixture
def kalkan(packs_folder: Path) -> bytes:
    name = "ncanode-xmldsig-xml_signed_valid_string_two_signers.xml"
    return (packs_folder / "kz/signed" / name).read_bytes()


@pytest.mark.packs
def test_signatures_of_kalkan_hold_and_its_signers_are_read(kalkan: bytes) -> None:
    verified = verify_xmldsig(kalkan, Trust(), at=NOON, profile=KZ)

    # Nobody trusts anybody here; the signatures themselves hold.
    assert {reason.fact for reason in verified.verdict.reasons} == {
        *(Fact.CHAIN_NOT_FOUND, Fact.NO_SIGNING_TIME)
    }
    assert [one.algorithm for one in verified.verdict.signers] == ["rsa-sha256", "gost-512-kz"]
    assert verified.content is None


@pytest.mark.packs
def test_one_signer_of_kalkan_holds_too(packs_folder: Path) -> None:
    document = (packs_folder / "kz/signed/ncanode-xmldsig-xml_signed_valid_string.xml").read_bytes()

    verified = verify_xmldsig(document, Trust(), at=NOON, profile=KZ)

    assert {reason.fact for reason in verified.verdict.reasons} == {
        *(Fact.CHAIN_NOT_FOUND, Fact.NO_SIGNING_TIME)
    }


@pytest.mark.packs
@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        (b"<b>test</b>", b"<b>tesT</b>", Fact.DIGEST_MISMATCH),
        (b"aAeSW+p2", b"aAeSW+p3", Fact.SIGNATURE_BROKEN),
        (b"9KSGy33A", b"9KSGy33B", Fact.SIGNATURE_BROKEN),
        (b"9KpJreFM", b"9KpJreFN", Fact.SIGNATURE_BROKEN),
        (b"JXtgklPv", b"JXtgklPw", Fact.SIGNATURE_BROKEN),
    ],
)
def test_one_changed_octet_of_what_kalkan_signed_is_noticed(
    kalkan: bytes, old: bytes, new: bytes, fact: Fact
) -> None:
    assert kalkan.count(old) == 1

    verified = verify_xmldsig(kalkan.replace(old, new), Trust(), at=NOON, profile=KZ)

    assert verified.verdict.has(fact)


@pytest.mark.packs
def test_signatures_of_kalkan_without_peeling_do_not_hold(kalkan: bytes) -> None:
    verified = verify_xmldsig(kalkan, Trust(), at=NOON)

    assert verified.verdict.has(Fact.STRUCTURE_FORBIDDEN)


@pytest.mark.packs
def test_we_sign_what_kalkan_has_signed(kalkan: bytes, issue: Issue, trust: Trust) -> None:
    three = sign_enveloped(kalkan, issue(family=Family.GOST_512_KZ), KZ)

    verified = verify_xmldsig(three, trust, at=NOON, profile=KZ)

    assert len(verified.verdict.signers) == 3
    assert not verified.verdict.has(Fact.SIGNATURE_BROKEN)
    assert not verified.verdict.has(Fact.DIGEST_MISMATCH)
