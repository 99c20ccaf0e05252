// Settings of the Node-RED that the gateway starts and confines. CommonJS, because Node-RED reads settings with require.
//
// Everything comes on file descriptor 3 as one line of JSON, so that no secret is ever in an environment or on a command
// line. The same descriptor carries back one short line at a time: `beat`, `port 1880`, `flows starting`,
// `flows started`, `flows stopped`, `flows safe`, `flows blocked`, `login ID NAME CODE`; to the last comes `{login, access}`.
// When its other end closes, the gateway is gone and so are the flows.
const crypto = require("node:crypto");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const net = require("node:net");
const { promisify } = require("node:util");

const CONTROL = 3;
const BEAT_MS = 200;
const PATIENCE_MS = 5_000;

// Users of the gateway at the editor, until the gateway says otherwise; and questions to it without an answer yet.
const letIn = new Map();
const waiting = new Map();
let asked = 0;

const given = readGiven();
const nodeRed = createRequire(given.nodeRed);
const control = new net.Socket({ fd: CONTROL });
const tell = (line) => control.write(`${line}\n`);

control.on("error", () => process.exit(1));
control.on("end", () => process.exit(1));
hearGateway();
tell("beat");
setInterval(() => tell("beat"), BEAT_MS);

const { events, log: nodeRedLog } = nodeRed("@node-red/util");
// At each save: the permission model has no fsync. What flows keep is no record of the gateway's. Dropped before any
// handler hears of it, because the editor's debug side bar is one. What has an id comes from a flow's own node.
const hand = nodeRedLog.log;
nodeRedLog.log = (entry) => {
  if (entry.id || !/fsync API is disabled/.test(entry.msg)) hand(entry);
};
for (const what of ["starting", "started", "stopped"])
  events.on(`flows:${what}`, () => tell(`flows ${what}`));
events.on("runtime-event", (event) => {
  const { state, error } = (event.id === "runtime-state" && event.payload) || {};
  if (state === "safe") tell("flows safe");
  else if (error) tell("flows blocked");
});

let serverPort;

module.exports = {
  uiHost: "127.0.0.1",
  uiPort: given.port,
  // Node-RED writes here which port it got.
  get serverPort() {
    return serverPort;
  },
  set serverPort(port) {
    serverPort = port;
    tell(`port ${port}`);
  },
  userDir: given.userDir,
  flowFile: "flows.json",
  flowFilePretty: true,
  lang: given.language,
  credentialSecret: given.credentialSecret,
  adminAuth: {
    type: "credentials",
    sessionExpiryTime: 8 * 3600,
    users: async (name) => letIn.get(name) ?? (isAdmin(name) ? person(name, "write") : null),
    authenticate: async (name, password) => {
      const access = await accessOf(name, String(password));
      if (!access) return null;
      letIn.set(name, person(name, access));
      return letIn.get(name);
    },
  },
  // Read by the laddport-gateway node; never exported to the editor.
  laddport: given.mqtt,

  telemetry: { enabled: false, updateNotification: false },
  externalModules: {
    autoInstall: false,
    palette: { allowInstall: false, allowUpload: false, allowUpdate: false },
    modules: { allowInstall: false },
  },
  functionExternalModules: false,
  functionGlobalContext: {},
  // Seconds; for function nodes that set none themselves.
  globalFunctionTimeout: 5,
  exportGlobalContextKeys: false,
  // The confinement refuses to start programs, so the node would only promise what it can't do.
  nodesExcludes: ["90-exec.js"],
  diagnostics: { enabled: false, ui: false },
  runtimeState: { enabled: false, ui: false },
  editorTheme: {
    page: { title: "Laddport flows" },
    header: { title: "Laddport flows" },
    tours: false,
    projects: { enabled: false },
    codeEditor: { lib: "monaco" },
  },
  logging: {
    console: { level: "off" },
    gateway: { level: "info", metrics: false, audit: false, handler: () => log },
  },
};

function readGiven() {
  let text = "";
  try {
    const chunk = Buffer.alloc(65_536);
    while (!text.includes("\n")) {
      const size = fs.readSync(CONTROL, chunk, 0, chunk.length, null);
      if (size === 0) break;
      text += chunk.toString("utf8", 0, size);
    }
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`these settings are for the Node-RED that laddport starts (${error.message})`);
  }
}

function person(username, access) {
  return { username, permissions: access === "write" ? "*" : "read" };
}

function isAdmin(name) {
  return given.admin !== undefined && name === given.admin.username;
}

// A flow may read what is typed at the editor's door. So a user of the gateway types no password there but a code that
// the gateway gave them, good once; whether it is, the gateway says.
async function accessOf(name, password) {
  if (isAdmin(name) && (await matches(password, given.admin.passwordHash))) return "write";
  if (!/^[a-z0-9-]{1,36}$/.test(name) || !/^[\w-]{22}$/.test(password)) return undefined;
  const access = await askGateway(name, password);
  // Two users of one name: what the lesser of them may is not what the other's sign-in may.
  return isAdmin(name) && access !== "write" ? undefined : access;
}

function askGateway(name, code) {
  return new Promise((resolve) => {
    asked = (asked + 1) % 1_000_000;
    const id = asked;
    const answer = (access) => {
      clearTimeout(patience);
      waiting.delete(id);
      resolve(access);
    };
    const patience = setTimeout(answer, PATIENCE_MS);
    waiting.set(id, answer);
    tell(`login ${id} ${name} ${code}`);
  });
}

function hearGateway() {
  let rest = "";
  control.setEncoding("utf8");
  control.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const { login, access, forget } = JSON.parse(line);
      if (forget !== undefined) letIn.delete(forget);
      else waiting.get(login)?.(access ?? undefined);
    }
  });
}

// `scrypt$N$r$p$salt$hash` (base64) as the gateway's credentials files have it, or bcrypt as `node-red admin hash-pw`.
async function matches(password, hash) {
  if (!hash.startsWith("scrypt$")) return nodeRed("bcryptjs").compare(password, hash);
  const [, n, r, p, salt, expected] = hash.split("$");
  const want = Buffer.from(expected, "base64");
  const options = { N: Number(n), r: Number(r), p: Number(p), maxmem: 256 * 1024 * 1024 };
  const got = await promisify(crypto.scrypt)(password, Buffer.from(salt, "base64"), want.length, options);
  return crypto.timingSafeEqual(got, want);
}

function log(entry) {
  const { level, msg, type, id, name } = entry;
  let text;
  try {
    text = String(msg?.stack ?? msg?.message ?? msg);
  } catch {
    text = "a message that can't be shown as text";
  }
  process.stdout.write(`${JSON.stringify({ level, text: text.trim(), node: name || id, type })}\n`);
}
