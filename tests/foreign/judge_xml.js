// Signs or verifies an XML signature with npm xml-crypto.
// Input (JSON on standard input): document; certificate (PEM), and to sign key (PEM) and uri ("" or "#id").
// Prints the signed document, or JSON: {valid, signed: what the references were over}.
"use strict";
const { SignedXml } = require("xml-crypto");
const { DOMParser } = require("@xmldom/xmldom");

const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

function sign(order) {
  const signer = new SignedXml({
    privateKey: order.key,
    publicCert: order.certificate,
    canonicalizationAlgorithm: EXCLUSIVE,
    signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  });
  signer.addReference({
    xpath: order.uri ? `//*[@Id='${order.uri.slice(1)}']` : "/*",
    transforms: order.uri ? [EXCLUSIVE] : [ENVELOPED, EXCLUSIVE],
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
    uri: order.uri,
    isEmptyUri: !order.uri,
  });
  signer.computeSignature(order.document, { prefix: "ds" });
  return signer.getSignedXml();
}

function verify(order) {
  const document = new DOMParser().parseFromString(order.document);
  const node = document.getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature")[0];
  const judge = new SignedXml({ publicCert: order.certificate, getCertFromKeyInfo: () => null });
  judge.loadSignature(node);
  let valid = false;
  try {
    valid = judge.checkSignature(order.document);
  } catch (error) {
    return JSON.stringify({ valid: false, error: String(error.message) });
  }
  return JSON.stringify({ valid, signed: judge.getSignedReferences() });
}

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  const order = JSON.parse(input);
  process.stdout.write(order.key ? sign(order) : verify(order));
});
