import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { CertificateWatch, type Ending } from "../../src/gateway/certificate-watch.ts";
import { issueCertificate } from "../../src/identity/certificates.ts";
import { AlertBoard, type AlertEvent } from "../../src/model/alert-board.ts";

const DAY_MS = 86_400_000;

function watched(configured: () => Ending[] = () => []) {
  let nowMs = Date.parse("2026-03-01T12:00:00Z");
  const events: AlertEvent[] = [];
  const board = new AlertBoard(
    (event) => events.push(event),
    () => nowMs,
  );
  const watch = new CertificateWatch(configured, new Set(["cp-01"]), board, () => nowMs);
  return {
    watch,
    told: () => events.splice(0).map(({ type, body }) => `${type.slice(6)} ${body.id} ${body.severity}`),
    wait: (days: number) => {
      nowMs += days * DAY_MS;
      watch.look();
    },
    nowMs: () => nowMs,
  };
}

const id = (subject: string, days: number) => `certificate_expires:${subject}:${days}`;

test("each stage is told once, the one before is over, and a renewal clears the last", () => {
  let notAfterMs = Date.parse("2026-04-10T12:00:00Z");
  const { told, wait } = watched(() => [{ subject: "mqtt.tls.cert_file", notAfterMs, what: "" }]);
  const subject = "mqtt.tls.cert_file";
  wait(0);
  expect(told()).toEqual([]);
  wait(10);
  expect(told()).toEqual([`raised ${id(subject, 30)} info`]);
  for (let day = 0; day < 20; day += 1) wait(1);
  expect(told()).toEqual([]);
  wait(3);
  expect(told()).toEqual([`cleared ${id(subject, 30)} info`, `raised ${id(subject, 7)} warning`]);
  wait(6);
  expect(told()).toEqual([`cleared ${id(subject, 7)} warning`, `raised ${id(subject, 1)} critical`]);
  wait(2);
  expect(told()).toEqual([`cleared ${id(subject, 1)} critical`, `raised ${id(subject, 0)} critical`]);
  notAfterMs += 1000 * DAY_MS;
  wait(0);
  expect(told()).toEqual([`cleared ${id(subject, 0)} critical`]);
});

test("a station's certificate counts from when it came with it, and its next one clears the alert", () => {
  const { watch, told, wait, nowMs } = watched();
  const certificate = (validDays: number) =>
    new X509Certificate(
      issueCertificate({ name: "cp-01", purpose: "client", nowMs: nowMs(), validDays }).certPem,
    );
  watch.seen("cp-01", certificate(20));
  watch.seen("cp-01", certificate(20));
  watch.seen("flows", certificate(20));
  expect(told()).toEqual([`raised ${id("cp-01", 30)} info`]);
  wait(14);
  expect(told()).toEqual([`cleared ${id("cp-01", 30)} info`, `raised ${id("cp-01", 7)} warning`]);
  watch.seen("cp-01", certificate(700));
  expect(told()).toEqual([`cleared ${id("cp-01", 7)} warning`]);
});

test("what the config no longer names is no longer told of", () => {
  let endings: Ending[] = [{ subject: "upstream.ca_file", notAfterMs: 0, what: "" }];
  const { told, wait } = watched(() => endings);
  wait(0);
  endings = [];
  wait(0);
  expect(told()).toEqual([
    `raised ${id("upstream.ca_file", 0)} critical`,
    `cleared ${id("upstream.ca_file", 0)} critical`,
  ]);
});
