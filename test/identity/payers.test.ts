import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openPayers } from "../../src/identity/payers.ts";
import { SubjectStore } from "../../src/identity/subject-store.ts";
import { Vault } from "../../src/identity/vault.ts";
import { scratchDir } from "../log/sample-events.ts";

const NOW = Date.UTC(2026, 2, 2);

function store() {
  const file = join(scratchDir(), "subjects.db");
  const vault = new Vault(randomBytes(32));
  const subjects = new SubjectStore(file, vault);
  const payers = openPayers(file, vault);
  onTestFinished(() => {
    payers.close();
    subjects.close();
  });
  const card = subjects.tokenRef({ uid: "04A1B2C3", type: "rfid" }, NOW);
  const contract = subjects.tokenRef({ uid: "SE-ABC-C12345678-9", type: "emaid" }, NOW);
  subjects.flush();
  return { subjects, payers, card, contract };
}

describe("payers", () => {
  it("are named as the store names them upstream, with a contract id only when the token is one", () => {
    const { subjects, payers, card, contract } = store();
    expect(payers.payerOf(card)).toEqual({ payer: subjects.payerOf(card) });
    expect(payers.payerOf(contract)).toEqual({
      payer: subjects.payerOf(contract),
      contract_id: "SE-ABC-C12345678-9",
    });
    expect(payers.payerOf(card).payer).not.toContain(card);
  });

  it("keep their name for what is still to be billed after an erasure, and lose the contract id", () => {
    const { subjects, payers, contract } = store();
    const { payer } = payers.payerOf(contract);
    subjects.erase(contract);
    expect(payers.payerOf(contract)).toEqual({ payer });
  });
});
