/**
 * `laddport demo`: simulated stations charge at accelerated time through the real gateway, and a cloud with keys of its
 * own opens the bills. Talk and the live view go to stderr, the closing figures to stdout.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createLogUpdate } from "log-update";
import pino from "pino";
import { type Config, loadConfig } from "../config.ts";
import { LaddportError } from "../errors.ts";
import { createGateway, type Gateway, type GatewayStats, type Listening } from "../main.ts";
import { type ClockOrigin, depotClock } from "../model/clock.ts";
import { type Cloud, createCloud } from "../simulator/cloud.ts";
import { createDepot, type Depot } from "../simulator/depot.ts";
import type { DepotReport } from "../simulator/depot-run.ts";
import { mildMischief } from "../simulator/mischief.ts";
import type { Scenario } from "../simulator/plan.ts";
import { loadReplay } from "../simulator/replay.ts";
import { ReplayError } from "../simulator/replay-file.ts";
import { siteLimitFromPeak } from "../simulator/uncontrolled.ts";
import { drawEvening } from "../simulator/visits.ts";
import { type DemoDepot, DEMO_SITE, demoKeys, summariesDir, writeDemoDepot } from "./demo-depot.ts";
import { demoFigures, failures, type Outcome } from "./demo-figures.ts";
import { influxSection } from "./demo-influx.ts";
import { closingTable, type DemoPicture, frame, line, shortTable } from "./demo-view.ts";
import { type CommandIo, EXIT } from "./output.ts";
