/**
 * What a data-protection officer does with one subject, audited. The same for the running gateway, whose ledger thread
 * does the work, and for a command on a stopped one's files. The token is looked up and goes no further: the trail
 * says that somebody searched, and which pseudonym was found.
 */
import type { RawToken } from "../identity/raw-token.ts";
import type { Audit } from "../model/audit.ts";
import { actedBy } from "../web/audit.ts";
import type { ApiError } from "../web/sources.ts";
import type { SubjectDoor, SubjectVerdict } from "../web/subjects.ts";
import type { ErasureGround, SubjectAnswers, SubjectAsk, SubjectRefusal } from "../workers/subject-work.ts";

export interface SubjectGround {
  work<What extends SubjectAsk["what"]>(
    ask: Extract<SubjectAsk, { what: What }>,
  ): Promise<SubjectAnswers[What]>;
  /** A ZIP; null when there is no such subject. */
  exported(subject: string): Promise<Uint8Array | null>;
  audit: Audit;
  erasure: ErasureGround;
}

export function subjectDoor({ work, exported, audit, erasure }: SubjectGround): SubjectDoor {
  return {
    async find(token: RawToken, { by }) {
      const { subject, sessions, cdrs } = await work({ what: "find", token });
      await audit({
        action: "subject.searched",
        object: subject,
        ...actedBy(by, { found: subject ? 1 : 0 }),
      });
      return { done: { subject, sessions, cdrs } };
    },
    async export(subject, { by, reason }) {
      // Before the data leaves: a copy that nobody can account for is a breach.
      const known = await work({ what: "trace", subject });
      if ("refused" in known) return refusal(subject, known);
      await audit({ action: "subject.exported", object: subject, reason, ...actedBy(by) });
      const zip = await exported(subject);
      return zip ? { done: zip } : refusal(subject, { refused: "unknown" });
    },
    async erase(subject, { by, reason = "", preview = false }) {
      const answer = await work({ what: "erase", subject, actor: by.name, reason, preview, ground: erasure });
      if ("refused" in answer) {
        await audit({ action: "subject.erasure_refused", object: subject, reason, ...actedBy(by) });
        return refusal(subject, answer);
      }
      const action = preview ? "subject.erasure_previewed" : "subject.erased";
      await audit({ action, object: subject, reason, ...actedBy(by, { kept: answer.kept.length }) });
      return { done: answer };
    },
    async hold(subject, { by, reason = "", untilMs = null }) {
      const answer = await work({ what: "hold", subject, actor: by.name, reason, untilMs });
      if ("refused" in answer) return refusal(subject, answer);
      await audit({
        action: "subject.held",
        object: subject,
        reason,
        ...actedBy(by, answer.until === null ? {} : { until: answer.until }),
      });
      return { done: answer };
    },
    async release(subject, { by, reason }) {
      const answer = await work({ what: "release", subject });
      if (!answer.released) return { refused: 404, answer: NOT_HELD(subject) };
      await audit({ action: "subject.hold_released", object: subject, reason, ...actedBy(by) });
      return { done: answer };
    },
  };
}

const NOT_HELD = (subject: string): ApiError => ({
  code: "SUBJECT_NOT_HELD",
  message: `There is no legal hold on the subject ${subject}.`,
  fix: "Nothing is to be done.",
});

function refusal<T>(subject: string, why: SubjectRefusal): SubjectVerdict<T> {
  switch (why.refused) {
    case "unknown":
      return {
        refused: 404,
        answer: {
          code: "SUBJECT_NOT_FOUND",
          message: `There is no subject ${subject.slice(0, 64)}; who was erased is not found any more.`,
          fix: "Find it by its token: laddport subject find --token -.",
        },
      };
    case "held": {
      const until = why.until === null ? "until it is released" : `until ${why.until}`;
      return {
        refused: 409,
        answer: {
          code: "SUBJECT_ON_HOLD",
          message: `The subject ${subject} is on legal hold ${until}: ${why.reason}.`,
          fix: "Release the hold first: laddport subject hold --release.",
        },
      };
    }
    case "full":
      return {
        refused: 503,
        answer: {
          code: "BUSY",
          message: "The log takes nothing now, so nothing was done.",
          fix: "Ask again; if it stays so, make room on the disk.",
        },
      };
  }
}
