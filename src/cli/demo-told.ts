/** What the people of a demo's depot tell the running gateway: departures, and an order of the grid operator. */
import { existsSync, readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import type { GridOrderRequest } from "../model/grid-request.ts";
import { readDepartureFile } from "./departure-file.ts";
import { callGateway, gatewayAddress } from "./gateway-call.ts";

/** `file`: departures as CSV, if it is there. `note` hears what the gateway did not take. */
export async function tellDepot(
  config: Config,
  file: string,
  order: GridOrderRequest | null,
  note: (text: string) => void,
): Promise<void> {
  const address = gatewayAddress(config);
  const post = async (path: string, body: object) => {
    const answer = await callGateway(address, path, { method: "POST", body });
    if (!answer.ok) note(`The gateway refused ${path}: ${answer.body.message}`);
  };
  if (existsSync(file)) {
    const fields = readDepartureFile(readFileSync(file, "utf8"), file).given.map((one) => one.fields);
    await post("/api/v1/departures", {
      departures: fields.filter(({ days }) => !days),
      timetable: fields.filter(({ days }) => days),
      source: "file",
    });
  }
  if (order) await post("/api/v1/grid-orders", order);
}
