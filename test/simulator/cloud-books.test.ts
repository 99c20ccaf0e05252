import { describe, expect, it } from "vitest";
import { certificateFingerprint, issueCertificate } from "../../src/identity/certificates.ts";
import { createCloudBooks } from "../../src/simulator/cloud-books.ts";
import { open, seal } from "../../src/workers/cms.ts";
import { samplePayload } from "../workers/sample-summary.ts";

const gateway = issueCertificate({ name: "gw-ringon", purpose: "signer" });
const cloud = issueCertificate({ name: "cloud", purpose: "recipient" });
const other = issueCertificate({ name: "another cloud", purpose: "recipient" });

const booksOf = (reader: typeof cloud) =>
  createCloudBooks({ keyPem: reader.keyPem, certPem: reader.certPem, signerPem: gateway.certPem });
const sealedFor = (reader: typeof cloud, cdrs = 2) =>
  seal(samplePayload(1, cdrs, [certificateFingerprint(reader.certPem)]), gateway, [reader.certPem]);

describe("edge case 38: a summary that was sent before", () => {
  it("is answered with the same receipt when its bytes come again, and booked once", () => {
    const books = booksOf(cloud);
    const bytes = sealedFor(cloud);
    const first = books.take(bytes);
    expect(first.receipt.status).toBe("accepted");
    expect(books.take(bytes)).toEqual({ receipt: first.receipt });
    expect(books.totals()).toMatchObject({ summaries_opened: 1, duplicates: 1, cdrs: 2, cdr_duplicates: 0 });
  });

  it("is refused when other bytes use its number", () => {
    const books = booksOf(cloud);
    books.take(sealedFor(cloud));
    const { receipt, payload } = books.take(sealedFor(cloud, 3));
    expect([receipt.status, payload]).toEqual(["rejected", undefined]);
    expect(books.totals()).toMatchObject({ summaries_opened: 1, cdrs: 2, rejected: 1 });
  });

  it("is refused by another cloud that a reader encrypts its content to: nobody but the gateway can sign that", () => {
    const { payload } = open(sealedFor(cloud), { key: cloud.keyPem, cert: cloud.certPem });
    const recipients = [certificateFingerprint(other.certPem)];
    const forwarded = seal({ ...payload, recipients }, cloud, [other.certPem]);
    const books = booksOf(other);
    expect(books.take(forwarded).receipt.status).toBe("rejected");
    expect(books.take(sealedFor(cloud)).receipt.status).toBe("rejected");
    expect(books.totals()).toMatchObject({ summaries_opened: 0, cdrs: 0, rejected: 2 });
    // The same books take what the gateway seals for them.
    expect(books.take(sealedFor(other)).receipt.status).toBe("accepted");
  });
});
