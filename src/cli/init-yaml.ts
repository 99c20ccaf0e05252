/**
 * The commented config files that `init` writes. Lines that begin with `# ` are prose; those that begin with `#` and a
 * key, or `#` and two spaces, are settings to uncomment.
 */

export interface Ports {
  mqtt: number;
  api: number;
  flows: number;
}

export interface DemoDepot {
  ports: Ports;
  /** How many: `cp-001` onwards (default 500). */
  stations?: number;
  /** A per line of the grid connection (default 4000). */
  siteLimitA?: number;
}

const ROW_STATIONS = 20;
const HALL_ROWS = 5;
const ROW_LIMIT_A = 315;
const HALL_LIMIT_A = 1000;

export const stationName = (index: number) => `cp-${String(index + 1).padStart(3, "0")}`;

const HEADER = `# Laddport config. Check it with: laddport check --config laddport.yaml
# Relative paths start at this file's folder. Any value can be overridden from the environment:
# LADDPORT__SITE__NAME="Other name", LADDPORT__STATIONS__CP_01__MAX_A=16
version: 1
`;

function endings(ports: Ports, tokens: string, tls: string, escrow: string): string {
  return `
# The broker that stations connect to. Plain TCP is for this machine only: Node-RED and local tools use it.
# ws is MQTT over WebSocket. Who may connect stands in the credentials file, as hashes.
mqtt:
  tcp: 127.0.0.1:${ports.mqtt}
${tls}#  ws: 127.0.0.1:9001
  credentials_file: secrets/credentials

# HTTP: /health and /metrics are open, /api wants a user (laddport user add) or a token. Beyond 127.0.0.1 it needs tls.
api:
  listen: 127.0.0.1:${ports.api}
  token_file: secrets/api-token

# OCPI tariffs (2.2.1 or 2.3.0); the first one applies unless tariff_choice chooses another. Prices without VAT: ENERGY per kWh,
# TIME per hour charging, PARKING_TIME per hour plugged in without charging, FLAT per session. With price_source the
# price is that of the moment, from: laddport prices import FILE --series spot-se3
tariffs:
  - id: depot
    currency: SEK
    elements:
      - price_components:
          - {type: ENERGY, price: "2.50", vat: "25", step_size: 1}
#  - id: spot
#    currency: SEK
#    elements:
#      - price_components:
#          - {type: ENERGY, price: "2.50", vat: "25", price_source: {series: spot-se3, on_missing: hold}}

# Which tariff a session gets: the first rule that matches, by station, EVSE, cost centre (group), vehicle and start.
#tariff_choice:
#  - {tariff: spot, groups: [transport], from: "2026-01-01T00:00:00+01:00"}

# Who may charge. free: whoever plugs in. known: tokens in the list. deny: nobody. The list is CSV with the columns
# uid,type,status,valid_until,group,vehicle; group and vehicle are ids that bills show, so never names of people.
${tokens}
# Priority classes and vehicles, for plans by departure (laddport departures import; docs/departures.md). A kWh that a bus
# lacks when it leaves counts ten times. What a vehicle can take is learned where it is not written here.
#classes:
#  - {id: bus, weight: 10}
#  - {id: pool, weight: 3}
#vehicles:
#  - {id: bus-14, class: bus, battery_kwh: 300, dc_max_kw: 150}
#  - {id: van-03, class: pool, battery_kwh: 80, ac_phases: 3, ac_max_a: 16}

# What the gateway signs summaries and log checkpoints with.
signer:
  cert_file: secrets/gateway.pem
  key_file: secrets/gateway.key

# Wraps the keys of personal data. Without it they are lost: keep a copy in a safe place.
identity:
  kek_file: secrets/kek
  # purposes: [soc]   # keep the state of charge of vehicles; else it is dropped at the door

# Days of raw samples. Other kinds of data have clocks of their own, bills by the law of site.country: docs/privacy.md.
retention:
  raw_days: 14

# Node-RED for own logic; the editor is at http://127.0.0.1:${ports.flows}. Users of the gateway get in with what
# laddport user editor prints; its own user is admin, password in secrets/flows-admin-password.
flows:
  enabled: true
  port: ${ports.flows}
  memory_mb: 512
  password_file: secrets/flows-password
  admin_password_hash_file: secrets/flows-admin-hash
  credential_secret_file: secrets/flows-credential-secret

# Time series to InfluxDB 2.x (v2), InfluxDB 1.8 (v1: database) or VictoriaMetrics (victoria).
# docker/compose.yaml sets an InfluxDB up for exactly these lines.
#influx:
#  url: http://127.0.0.1:8086
#  mode: v2
#  org: depot
#  bucket: depot_raw
#  token_file: secrets/influx-token
#  aggregates:
#    - {every: 1m, into: depot_1m}
#    - {every: 15m, into: depot_15m}

# Sealed billing summaries to the cloud, by https or mqtts. Each recipient can open all of them; the first is the
# receiver. The escrow opens them when a recipient has lost its key: its private key stays offline.
#upstream:
#  url: https://billing.example/v1/summaries
#  recipient_cert_files: [cloud.pem]
${escrow}#  receipt_cert_file: cloud-receipts.pem
#  interval_s: 900
#  max_cdrs: 100
`;
}

/** A depot to begin with: two AC stations, TLS for them, Node-RED. */
export function starterYaml(timezone: string, ports: Ports & { mqtts: number }): string {
  return `${HEADER}
# country and currency: ISO 3166-1 and ISO 4217. The time zone decides when tariffs change: use an IANA name.
site:
  id: depot
  name: My depot
  timezone: ${timezone}
  language: en
  currency: SEK
  country: SE
  # ntp: what is priced by time waits for a synchronised clock. trusted: you vouch for the host's clock.
  clock: ntp

# Line to neutral. What the grid costs, for plans, and how the grid operator dims: docs/grid.md. An input of a contact
# orders while it is closed; laddport grid order does it by hand.
grid:
  voltage_v: 230
#  price_series: spot-se3
#  demand_charge: {per_kw: 45, window_min: 60}
#  dimming: {circuit: row-a}
#  inputs:
#    - {input: ripple, kind: dimming}
#inputs:
#  - {id: ripple, modbus: {host: 192.168.10.21}, discrete: 0}

# The electrical tree, from the grid connection downwards. limit_a is the fuse or contract limit, one number or
# [L1, L2, L3]; reserve_a stays free for what no meter sees; worst_other_a is the most that anything but stations draws.
# limit_kw is a contract limit of power, unbalance_a the most by which lines may differ (DE 20 A, AT and CH 16 A).
circuits:
  - id: main
    limit_a: 63
    reserve_a: 3
#    limit_kw: 40
#    unbalance_a: 20
#    worst_other_a: 20
#    meter: grid-1
  - {id: row-a, parent: main, limit_a: 32, worst_other_a: 0}

# A meter in the grid connection lets other load share it: name it here, and as meter of its circuit. With modbus the
# gateway polls it over Modbus TCP (docs/meters.md); without, it publishes by MQTT.
#meters:
#  - {id: grid-1, modbus: {host: 192.168.10.20, map: carlo-gavazzi-em300}}

# What stations have that do not say otherwise. fallback_a is what a station falls back to without the gateway: set
# the same in the station itself.
station_defaults:
  circuit: row-a
  max_a: 16
  min_a: 6
  phases: 3
  fallback_a: 6

# phase_order tells how a station is wired; rotating it spreads single-phase cars over the lines.
stations:
  - {id: cp-01, phase_order: L1L2L3}
  - {id: cp-02, phase_order: L2L3L1}
${endings(
  ports,
  `tokens:
  policy: free
#  file: tokens.csv
`,
  `  tls:
    listen: 0.0.0.0:${ports.mqtts}
    cert_file: secrets/mqtt.pem
    key_file: secrets/mqtt.key
    client_ca_file: secrets/ca.pem
    crl_file: pki/crl.pem
# Let in by certificate alone: require_client_cert. One station alone: auth: certificate, with the station.
#    require_client_cert: true
`,
  "#  escrow_cert_file: secrets/escrow.pem\n",
)}`;
}

/** A large depot to play with: rows of 20 stations, five rows to a hall, halls to the grid; plain TCP on loopback. */
export function demoYaml({ ports, stations = 500, siteLimitA = 4000 }: DemoDepot): string {
  const rows = Math.ceil(stations / ROW_STATIONS);
  const halls = Math.ceil(rows / HALL_ROWS);
  const fallbackA = stations * 6 <= siteLimitA ? 6 : 0;
  const row = (index: number) => `row-${String(Math.floor(index / ROW_STATIONS) + 1).padStart(2, "0")}`;
  const circuits = [
    `  - {id: site, limit_a: ${siteLimitA}, worst_other_a: 0}`,
    ...Array.from(
      { length: halls },
      (_, i) => `  - {id: hall-${i + 1}, parent: site, limit_a: ${HALL_LIMIT_A}}`,
    ),
    ...Array.from({ length: rows }, (_, i) => {
      const hall = Math.floor(i / HALL_ROWS) + 1;
      return `  - {id: ${row(i * ROW_STATIONS)}, parent: hall-${hall}, limit_a: ${ROW_LIMIT_A}}`;
    }),
  ];
  const list = Array.from({ length: stations }, (_, i) => `  - {id: ${stationName(i)}, circuit: ${row(i)}}`);
  return `${HEADER}
site:
  id: demo
  name: Demo depot
  timezone: Europe/Stockholm
  language: en
  currency: SEK
  country: SE
  # The clock of a demo runs fast: no reference could vouch for it.
  clock: trusted

grid:
  voltage_v: 230

# Three levels: the grid connection feeds halls, a hall feeds rows, a row feeds ${ROW_STATIONS} stations and nothing else.
circuits:
${circuits.join("\n")}

station_defaults:
  max_a: 32
  min_a: 6
  phases: 3
  fallback_a: ${fallbackA}

stations:
${list.join("\n")}
${endings(
  ports,
  "tokens:\n  policy: free\n",
  `# Stations come by TLS; first: laddport pki issue --server
#  tls:
#    listen: 0.0.0.0:8883
#    cert_file: secrets/mqtt.pem
#    key_file: secrets/mqtt.key
#    client_ca_file: secrets/ca.pem
#    crl_file: pki/crl.pem
`,
  "",
)}`;
}
