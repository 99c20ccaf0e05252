/**
 * The door to subjects as a command finds it: the running gateway's API when one has the data directory, else the files
 * of the stopped one under its lock.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { erasureGround } from "../gateway/erasure-ground.ts";
import { subjectDoor } from "../gateway/subject-door.ts";
import { exportSubject } from "../gateway/subject-export.ts";
import { SubjectStore } from "../identity/subject-store.ts";
import { readKek, Vault } from "../identity/vault.ts";
import { openSqliteReader } from "../log/sqlite-reader.ts";
import { auditFact } from "../model/audit.ts";
import type { SubjectDoor, SubjectVerdict } from "../web/subjects.ts";
import { replayErasures, subjectWork } from "../workers/subject-work.ts";
import { callGateway, type GatewayAnswer, runningAddress } from "./gateway-call.ts";
import { openOfflineLog } from "./offline-log.ts";

export interface OpenDoor {
  door: SubjectDoor;
  close(): void;
}

/** @throws LaddportError LP803 when there is no log, LP806 when the gateway that has it does not answer. */
export function openSubjectDoor(config: Config, data: string): OpenDoor {
  if (!existsSync(join(data, "log.db")))
    throw new LaddportError("LP803", `there is no log in ${data}`, {
      fix: "Name the data directory with --data.",
    });
  return offlineDoor(config, data) ?? { door: gatewayDoor(config, data), close: () => undefined };
}

/** Undefined while another process has the directory. */
function offlineDoor(config: Config, data: string): OpenDoor | undefined {
  const log = openOfflineLog({ data, signerKeyFile: config.signer.keyFile });
  if (!log) return undefined;
  const vault = new Vault(readKek(config.identity.kekFile));
  const subjectsFile = join(data, "subjects.db");
  const subjects = new SubjectStore(subjectsFile, vault);
  const reader = openSqliteReader(join(data, "log.db"));
  replayErasures(subjects, reader, data);
  const door = subjectDoor({
    work: async (ask) =>
      subjectWork(
        {
          subjects,
          reader,
          dir: data,
          nowMs: Date.now(),
          commit(event) {
            log.append([event]);
            return true;
          },
        },
        ask,
      ),
    async exported(subject) {
      const ground = { reader, subjectsFile, vault, site: config.site.id, nowMs: Date.now() };
      return (await exportSubject(ground, subject)) ?? null;
    },
    async audit(entry) {
      log.append([auditFact(entry, Date.now())]);
    },
    erasure: erasureGround(config),
  });
  return {
    door,
    close() {
      subjects.close();
      void reader.close();
      log.close();
    },
  };
}

const PATIENCE_MS = 600_000;

function gatewayDoor(config: Config, data: string): SubjectDoor {
  const address = runningAddress(config, data);

  async function ask<T>(path: string, body: object): Promise<SubjectVerdict<T>> {
    let answer: GatewayAnswer;
    try {
      const call = { method: "POST", body, patienceMs: PATIENCE_MS };
      answer = await callGateway(address, `/api/v1/subjects/${path}`, call);
    } catch (error) {
      if (error instanceof LaddportError) throw error;
      const cause = (error as Error).message;
      throw new LaddportError(
        "LP806",
        `${data} is in use, and no gateway answers at ${address.base}: ${cause}`,
      );
    }
    if (answer.ok) return { done: (answer.bytes ?? answer.body) as T };
    const refused = answer.body as { code: string; message: string; fix: string };
    if (answer.status === 404 || answer.status === 409 || answer.status === 503)
      return { refused: answer.status, answer: refused };
    throw new LaddportError("LP806", refused.message, { fix: refused.fix });
  }

  const at = (subject: string, what: string) => `${encodeURIComponent(subject)}/${what}`;
  return {
    find: (token) => ask("find", { token }),
    export: (subject, { reason }) => ask(at(subject, "export"), { reason }),
    erase: (subject, { reason, preview }) => ask(at(subject, "erase"), { reason, preview }),
    hold(subject, { untilMs, reason }) {
      const until = typeof untilMs === "number" ? { until: new Date(untilMs).toISOString() } : {};
      return ask(at(subject, "hold"), { reason, ...until });
    },
    release: (subject, { reason }) => ask(at(subject, "release"), { reason }),
  };
}
