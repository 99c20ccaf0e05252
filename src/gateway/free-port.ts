/** TCP ports on 127.0.0.1 that were free a moment ago. */
import { type AddressInfo, createServer } from "node:net";

/** All different, because they are held together before they are given back. */
export async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    probes.map(
      (probe) =>
        new Promise<number>((found, failed) => {
          probe.once("error", failed);
          probe.listen(0, "127.0.0.1", () => found((probe.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(probes.map((probe) => new Promise((closed) => probe.close(closed))));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}
