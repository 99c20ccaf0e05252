/** Tells a person which recipient's certificate cannot be sealed for, once, and when it can again. */
import { certificateFingerprint } from "../identity/certificates.ts";
import type { RecipientList, RefusedRecipient } from "../identity/recipients.ts";
import type { SinkContext } from "./context.ts";

export interface RecipientAlarm {
  /** `ready`: the receiver can read what is sealed now. */
  tell(list: RecipientList, refused: readonly RefusedRecipient[], ready: boolean): void;
}

/** The part of a fingerprint that names a recipient in alerts. */
export const recipientName = (certPem: string): string => certificateFingerprint(certPem).slice(0, 16);

export function createRecipientAlarm(alerts: SinkContext["alerts"]): RecipientAlarm {
  return {
    tell({ certPems, escrowPem }, refused, ready) {
      const bad = new Set(refused.map(({ fingerprint }) => fingerprint.slice(0, 16)));
      for (const pem of [...certPems, ...(escrowPem === undefined ? [] : [escrowPem])]) {
        const name = recipientName(pem);
        if (!bad.has(name)) alerts.clear(`recipient_expired:${name}`);
      }
      for (const { subject, fingerprint, reason } of refused) {
        const name = fingerprint.slice(0, 16);
        alerts.raise({
          id: `recipient_expired:${name}`,
          kind: "recipient_expired",
          severity: ready ? "warning" : "critical",
          subject: name,
          cause: `The certificate of ${subject} ${reason}. ${ready ? GOES_ON : WAITS}`,
        });
      }
    },
  };
}

const GOES_ON = "Summaries are sealed for the other recipients, and this one cannot open them.";
const WAITS =
  "It is the receiver's: nothing is sealed until upstream.recipient_cert_files names a valid one.";
