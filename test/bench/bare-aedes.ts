/** The yardstick: Aedes in memory, nothing else. Prints its port. */

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { Aedes } from "aedes";

const broker = await Aedes.createBroker();
const server = createServer(broker.handle).listen(0, "127.0.0.1", () => {
  console.log(`port ${(server.address() as AddressInfo).port}`);
});
