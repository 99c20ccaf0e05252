/** The margin table of `laddport check`: what is left on every line when stations are at their fallbacks. */
import { type Config, circuits, evseSpecs } from "../config.ts";
import { otherKnowledge, proveFallbacks } from "../rules/proof/fallbacks.ts";
import { table } from "./output.ts";

export interface FallbackMargins {
  lines: {
    circuit: string;
    line: "L1" | "L2" | "L3";
    limit_a: number;
    reserve_a: number;
    /** What is counted; `other_load` says how it is known. */
    other_load_a: number;
    other_load: "stated" | "none" | "metered" | "unknown";
    fallback_a: number;
    margin_a: number;
    /** No line of the site has less. */
    tightest: boolean;
  }[];
  power: {
    circuit: string;
    limit_kw: number;
    other_load_kw: number;
    fallback_kw: number;
    margin_kw: number;
  }[];
  unbalance: { circuit: string; limit_a: number; worst_a: number; lines: string }[];
}

const LINES = ["L1", "L2", "L3"] as const;
const kw = (w: number) => Math.round(w) / 1000;

export function marginsOf(config: Config): FallbackMargins {
  const known = circuits(config);
  const proof = proveFallbacks(known, evseSpecs(config), config.grid.voltageV);
  const knowledge = otherKnowledge(known);
  const least = Math.min(...proof.lines.map((l) => l.marginA));
  return {
    lines: proof.lines.map((l, i) => {
      const at = Math.floor(i / 3);
      return {
        circuit: l.circuit,
        line: LINES[l.line] ?? "L1",
        limit_a: config.circuits[at]?.limitA[l.line] ?? 0,
        reserve_a: config.circuits[at]?.reserveA ?? 0,
        other_load_a: l.otherA,
        other_load: knowledge[at] ?? "unknown",
        fallback_a: l.fallbackA,
        margin_a: l.marginA,
        tightest: l.marginA === least,
      };
    }),
    power: proof.powers.map((p) => ({
      circuit: p.circuit,
      limit_kw: kw(p.limitW),
      other_load_kw: kw(p.otherW),
      fallback_kw: kw(p.fallbackW),
      margin_kw: kw(p.marginW),
    })),
    unbalance: proof.unbalances.map((u) => ({
      circuit: u.circuit,
      limit_a: u.limitA,
      worst_a: u.worstA,
      lines: `${LINES[u.lines[0]]} over ${LINES[u.lines[1]]}`,
    })),
  };
}

const OTHER = {
  stated: (a: number) => String(a),
  none: () => "0",
  metered: (a: number) => (a > 0 ? `${a}, metered` : "metered"),
  unknown: (a: number) => (a > 0 ? `${a} or more` : "unknown"),
} as const;

/** Lines of a circuit that say the same are one row. */
export function marginsText({ lines, power, unbalance }: FallbackMargins, colour: boolean): string {
  const rows: { cells: (string | number)[]; tightest: boolean }[] = [];
  for (let at = 0; at < lines.length; at += 3) {
    const three = lines.slice(at, at + 3);
    const said = three.map(({ line: _, ...rest }) => JSON.stringify(rest));
    const shown = new Set(said).size === 1 ? three.slice(0, 1) : three;
    for (const l of shown)
      rows.push({
        cells: [
          l.circuit,
          shown.length === 1 ? "L1-L3" : l.line,
          l.limit_a,
          l.reserve_a,
          OTHER[l.other_load](l.other_load_a),
          l.fallback_a,
          l.margin_a,
          l.tightest ? "< tightest" : "",
        ],
        tightest: l.tightest,
      });
  }
  const head = ["circuit", "line", "limit A", "reserve A", "other load A", "fallbacks A", "margin A", ""];
  const [top = "", ...body] = table([head, ...rows.map((r) => r.cells)]).split("\n");
  const painted = body.map((text, i) => (colour && rows[i]?.tightest ? `\u001b[33m${text}\u001b[0m` : text));
  return [
    "Without the gateway, any stations or all of them at their fallbacks:",
    top,
    ...painted,
    ...(power.length === 0
      ? []
      : [
          "",
          table([
            ["circuit", "limit kW", "other load kW", "fallbacks kW", "margin kW"],
            ...power.map((p) => [p.circuit, p.limit_kw, p.other_load_kw, p.fallback_kw, p.margin_kw]),
          ]),
        ]),
    ...(unbalance.length === 0
      ? []
      : [
          "",
          table([
            ["circuit", "unbalance A", "worst A", "lines"],
            ...unbalance.map((u) => [u.circuit, u.limit_a, u.worst_a, u.lines]),
          ]),
        ]),
  ].join("\n");
}
