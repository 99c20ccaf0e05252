/** Meters and digital inputs, as the config spells them. */
import { z } from "zod";
import { PHASE_ORDERS } from "../model/circuit.ts";
import { Id } from "../model/ids.ts";
import { METER_ROLES, RegisterMap } from "../model/register-map.ts";

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|[0-9a-fA-F:]{2,39})$/;

const place = {
  host: z
    .string()
    .refine((text) => HOST.test(text), {
      error: "is not an address.",
      params: { code: "LP105", fix: "Write an IP address or a host name, without port and brackets." },
    })
    .describe("Address of the device, or of the gateway to its RS485 bus."),
  port: z.int().min(1).max(65_535).default(502),
  unit: z
    .int()
    .min(0)
    .max(255)
    .default(1)
    .describe("Modbus unit id. Several behind one gateway share its connection."),
  poll_s: z.number().min(0.2).max(60).default(1).describe("Seconds between polls."),
  timeout_s: z.number().min(0.1).max(10).default(1).describe("Longest wait for an answer."),
};

const MeterModbus = z
  .strictObject({
    ...place,
    map: z
      .string()
      .describe("Where its registers are: one of `laddport meters list-maps`, or of `register_maps`."),
    log_s: z
      .number()
      .min(1)
      .max(900)
      .default(10)
      .describe("Seconds between readings in the log. The load balance gets every one."),
    instance: z
      .int()
      .min(1)
      .max(20)
      .default(1)
      .describe("SunSpec only: which of several such meters behind one address."),
    invert: z
      .boolean()
      .default(false)
      .describe("It counts export as import: clamps or the meter are mounted the other way round."),
    phases: z
      .union([z.literal(1), z.literal(3)], { error: "is not a number of lines. Write 1 or 3." })
      .default(3)
      .describe("Lines it is connected to."),
    phase_order: z
      .enum(PHASE_ORDERS)
      .default("L1L2L3")
      .describe("Which grid lines its own L1, L2, L3 are on."),
  })
  .describe("The gateway polls it over Modbus TCP. Then it is no MQTT identity.");

export const meterSettings = {
  role: z
    .enum(METER_ROLES)
    .default("circuit")
    .describe(
      "circuit: what `circuits[].meter` names. pv, battery: production and storage, shown as `pv_w` and `battery_w`. building: recorded only.",
    ),
  modbus: MeterModbus.optional(),
};

export const InputItem = z
  .strictObject({
    id: Id.describe("What orders and alerts call it."),
    modbus: z.strictObject(place),
    discrete: z.int().min(0).max(65_535).optional().describe("Address of a discrete input (function 2)."),
    coil: z.int().min(0).max(65_535).optional().describe("Address of a coil (function 1)."),
    invert: z.boolean().default(false).describe("The contact opens when it means closed."),
  })
  .superRefine(({ discrete, coil }, at) => {
    if ((discrete === undefined) !== (coil === undefined)) return;
    at.addIssue({
      code: "custom",
      message: "needs either discrete or coil.",
      params: { code: "LP108", fix: "Write the address as discrete (function 2) or coil (function 1)." },
    });
  });

export const RegisterMaps = z
  .array(RegisterMap)
  .default([])
  .describe("Register maps of your own, for meters that have none: docs/meters.md.");

export const Inputs = z
  .array(InputItem)
  .default([])
  .describe("Contacts that the gateway polls over Modbus TCP, such as a ripple control receiver.");
