// Calls one operation of a WSDL with npm soap and prints what went out and what came back.
// Input (JSON on standard input): wsdl, endpoint, operation, message, headers, key, certificate.
"use strict";
const soap = require("soap");

async function main(order) {
  const client = await soap.createClientAsync(order.wsdl, { endpoint: order.endpoint, forceSoap12Headers: !!order.soap12 });
  for (const header of order.headers || []) client.addSoapHeader(header);
  if (order.key) {
    client.setSecurity(
      new soap.WSSecurityCert(order.key, order.certificate, "", {
        hasTimeStamp: true,
        signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
        additionalReferences: order.sign || [],
      }),
    );
  }
  const report = {};
  try {
    const [result] = await client[`${order.operation}Async`](order.message);
    report.result = result;
  } catch (error) {
    report.fault = String(error.message);
    report.status = error.response && error.response.status;
  }
  report.sent = client.lastRequest;
  report.received = client.lastResponse;
  process.stdout.write(JSON.stringify(report));
}

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => main(JSON.parse(input)));
