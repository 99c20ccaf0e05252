/** The negative control: a broker that logs from `broker.on("publish")`, after Aedes has sent its PUBACK. */
import { createServer } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { Aedes } from "aedes";

const [port, file] = process.argv.slice(2);
const db = new DatabaseSync(file as string);
db.exec(
  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS message(topic TEXT, payload TEXT)",
);
const insert = db.prepare("INSERT INTO message VALUES (?,?)");
const broker = await Aedes.createBroker({ concurrency: 5000 });
let waiting: [string, string][] = [];

function flush(): void {
  const batch = waiting;
  waiting = [];
  db.exec("BEGIN");
  for (const [topic, payload] of batch) insert.run(topic, payload);
  db.exec("COMMIT");
}

broker.on("publish", (packet, client) => {
  if (!client) return;
  if (waiting.length === 0) setTimeout(flush, 5);
  waiting.push([packet.topic, String(packet.payload)]);
});
createServer(broker.handle).listen(Number(port), "127.0.0.1", () => console.log("gateway up"));
