/** What one client, and all together, may ask of the broker. Times are wire time. */
export interface Limits {
  /** From the first byte (of TCP, TLS or the WebSocket handshake) to a whole CONNECT. */
  connectTimeoutMs: number;
  /** For `authenticate` to answer; then CONNACK 3, so that the client tries again. */
  authenticateTimeoutMs: number;
  /** A CONNECT with keepalive 0, or above this, is refused: nothing else would end a half-open connection. */
  keepaliveMaxS: number;
  /** A subscriber that has not taken what its socket holds within this is cut. */
  drainTimeoutMs: number;
  /** Size of a packet before and after CONNACK, fixed header not counted. */
  connectBytes: number;
  packetBytes: number;
  /** Messages of one client that wait to be durable; above it nothing more is read from its socket. */
  inFlight: number;
  /** Payload bytes of all clients that wait to be durable; above it no socket is read. */
  inFlightBytes: number;
  /** Bytes that may wait in a client's socket before it counts as frozen and is cut. */
  queuedBytes: number;
  connections: number;
  subscriptions: number;
  /**
   * Connections from one address, in ten seconds, that end as a stranger's: no TLS, no MQTT, too large, no certificate.
   * Then that address is turned away unread until they are over: every socket costs memory that is freed late. A depot
   * may have all its stations behind one address.
   */
  offences: number;
  /** `req/` messages a second from one client; above it its socket is not read until the second is over. */
  requestsPerSecond: number;
  /**
   * Connections a minute of one station; more are told to wait for the minute's end. Each writes two facts, so a radio
   * that flaps would fill the log. No ban: a station in the middle of a session is back within the minute.
   */
  connectsPerMinute: number;
  /** New connections a minute that may replace a live one of the same client id; more are told to wait. */
  takeoversPerMinute: number;
  /** For what is on its way to the disk when the broker stops. */
  stopTimeoutMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  connectTimeoutMs: 5_000,
  authenticateTimeoutMs: 15_000,
  keepaliveMaxS: 300,
  drainTimeoutMs: 10_000,
  connectBytes: 4 * 1024,
  packetBytes: 64 * 1024,
  inFlight: 1_000,
  inFlightBytes: 64 * 1024 * 1024,
  queuedBytes: 256 * 1024,
  connections: 3_000,
  subscriptions: 50,
  offences: 150,
  requestsPerSecond: 200,
  connectsPerMinute: 30,
  takeoversPerMinute: 6,
  stopTimeoutMs: 2_000,
};
