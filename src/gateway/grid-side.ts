/** The grid's side of the depot: orders and inputs, other load to come, the billed peak, prices. */
import { type Config, evseSpecs } from "../config.ts";
import type { Control } from "../control/loop.ts";
import type { ControlState } from "../control/state.ts";
import type { GridOrder } from "../model/grid-order.ts";
import { dimmingW, isControllable } from "../rules/grid/dimming.ts";
import type { OrderBook } from "../rules/grid/orders.ts";
import { chargingNow, type Feeds, otherNow } from "../rules/load-now.ts";
import { gridDoor } from "./grid-door.ts";
import { GridInputBook } from "./grid-inputs.ts";
import { type Draw, GridOrderBook } from "./grid-orders.ts";
import type { GridPart } from "./grid-part.ts";
import type { Foundation } from "./parts.ts";
import { PurchasePriceBook } from "./purchase-price-book.ts";
import { SiteLoad } from "./site-load.ts";

/** `book`: orders as the log has them. They hold from `start` on, which comes before control's first tick. */
export function gridSide(base: Foundation, control: Control, book: OrderBook): GridPart {
  const { config, clock, append, appendFact, alerts, outbox, log, ledger } = base;
  const { grid, site } = config;
  const feeds = feedsOf(config);
  const root = config.circuits.find(({ parent }) => parent === null)?.id ?? "";
  const dimmed = grid.dimming.circuit ?? root;
  const devices = devicesBelow(config, feeds);
  // What was agreed is of the circuit that the config names; another one has its own charging points.
  const dimmingOf = (circuit: string) =>
    circuit === dimmed && grid.dimming.kw !== undefined
      ? Math.round(grid.dimming.kw * 1_000)
      : dimmingW(devices.get(circuit) ?? 0);
  const failed = (error: unknown) => log.warn({ err: error }, "could not read the grid side's history");
  const orders = new GridOrderBook({
    clock,
    book,
    dimmingW: dimmingOf,
    setPower: (circuit, limitW) => control.setCircuitPower(circuit, limitW, "grid_order"),
    append,
    alerts,
    reactionMs: Math.max(grid.reactionS * 1_000, control.state().ticks.period_ms * 10 * clock.origin.speed),
  });
  const inputs = new GridInputBook({
    clock,
    orders,
    append,
    alerts,
    inputs: grid.inputs.map(({ input, kind, circuit, kw = 0 }) => {
      const on = circuit ?? (kind === "dimming" ? dimmed : root);
      return {
        input,
        kind,
        circuit: on,
        powerW: kind === "dimming" ? dimmingOf(on) : kind === "stop" ? 0 : Math.round(kw * 1_000),
      };
    }),
  });
  const load = new SiteLoad({
    clock,
    outbox,
    append,
    zone: site.timezone,
    voltageV: grid.voltageV,
    metered: config.circuits.filter(({ meter }) => meter !== undefined).map(({ id }) => id),
    root,
    demandCharge: grid.demandCharge
      ? { perKw: grid.demandCharge.perKw, windowMs: grid.demandCharge.windowMin * 60_000 }
      : null,
    failed,
  });
  const prices = new PurchasePriceBook({
    clock,
    outbox,
    series: grid.priceSeries ?? null,
    zone: site.timezone,
    failed,
  });
  const look = () => {
    const state = control.state();
    const charging = chargingNow(state.evses, feeds);
    inputs.look();
    orders.look((circuit) => drawOf(state, circuit, charging.get(circuit) ?? [0, 0, 0], grid.voltageV));
    load.look(state.circuits, otherNow(state.circuits, charging));
    prices.look();
  };
  const isKnown = ({ circuit, source }: GridOrder) =>
    feeds.parentOf.has(circuit) &&
    (!source.startsWith("input:") || grid.inputs.some(({ input }) => source === `input:${input}`));
  let timer: NodeJS.Timeout | undefined;
  const published = ({ counts }: { counts: Record<string, number> }) => {
    if (counts["prices.published"]) prices.refresh();
  };
  return {
    gridOrders: orders,
    gridInputs: inputs,
    gridDoor: gridDoor({
      clock,
      orders,
      appendFact,
      circuits: config.circuits.map(({ id }) => id),
      root,
      dimmed,
      dimmingW: dimmingOf,
    }),
    forecast: (circuit, fromMs, toMs) => load.forecast(circuit, fromMs, toMs),
    loadProfile: (circuit) => load.profile(circuit),
    peak: () => load.peak(),
    purchasePrices: (fromMs, toMs) => prices.steps(fromMs, toMs),
    gridWatch: {
      start() {
        orders.endWhatIsGone(isKnown);
        orders.apply();
        ledger.on("news", published);
        timer = setInterval(look, Math.max(LEAST_WIRE_MS, clock.realDelayMs(LOOK_MS)));
      },
      stop() {
        clearInterval(timer);
        ledger.off("news", published);
        load.close();
      },
    },
  };
}

/** Depot time between looks, as between ticks of control. */
const LOOK_MS = 1_000;
const LEAST_WIRE_MS = 50;

function feedsOf({ stations, circuits }: Config): Feeds {
  return {
    circuitOf: new Map(stations.map(({ id, circuit }) => [id, circuit])),
    parentOf: new Map(circuits.map(({ id, parent }) => [id, parent])),
  };
}

/** How many charging points below each circuit the formula counts. */
function devicesBelow(config: Config, { parentOf }: Feeds): Map<string, number> {
  const devices = new Map<string, number>();
  for (const { circuit, maxA, phases } of evseSpecs(config)) {
    if (!isControllable(maxA, phases, config.grid.voltageV)) continue;
    for (let c: string | null = circuit; c !== null; c = parentOf.get(c) ?? null)
      devices.set(c, (devices.get(c) ?? 0) + 1);
  }
  return devices;
}

function drawOf(state: ControlState, circuit: string, chargingA: readonly number[], voltageV: number): Draw {
  const chargingW = chargingA.reduce((sum, a) => sum + a, 0) * voltageV;
  const shown = state.circuits.find(({ id }) => id === circuit);
  if (!shown || shown.meter === "none") return { powerW: chargingW, chargingW };
  return { powerW: shown.meter === "stale" ? null : shown.power_w, chargingW };
}
