/** docs/config.md: every key of the config file, from its schema, and one whole example. */
import { z } from "zod";
import { starterYaml } from "../src/cli/init-yaml.ts";
import { ConfigFile } from "../src/config/schema.ts";

interface Schema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
}

export function configPage(): string {
  const schema = z.toJSONSchema(ConfigFile, { io: "input" }) as Schema;
  const sections = Object.entries(schema.properties ?? {});
  const parts = [
    "# Config",
    "One YAML file. `laddport init` writes a commented one, `laddport check` lists every fault with its place, the value " +
      "seen and the fix, `laddport check --explain` prints each value with its origin. Unknown keys are refused: a " +
      "misspelt limit would be ignored silently.",
    "Relative paths start at the file's folder. Secrets are never in the file: keys that end in `_file` name files of " +
      "mode 0600.",
    "Environment variables override the file: `LADDPORT__SITE__NAME` is `site.name`; list items are named by their id, " +
      "with `_` for `-`, as in `LADDPORT__STATIONS__CP_07__MAX_A`. `LADDPORT_LOG` is how much the program log says: " +
      "`trace`, `debug`, `info` (unless told), `warn`, `error`, `fatal` or `silent`.",
    ...sections.flatMap(([name, section]) =>
      sectionParts(name, section, schema.required?.includes(name) ?? false),
    ),
    "## Example",
    "What `laddport init` writes, with every optional part switched on.",
    `\`\`\`yaml\n${uncommented(starterYaml("Europe/Stockholm", { mqtt: 1883, api: 8080, flows: 1880, mqtts: 8883 }))}\`\`\``,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Settings that the starter config has commented out, switched on. */
export function uncommented(yaml: string): string {
  return yaml.replace(/^#(?=\S| {2})/gm, "");
}

function sectionParts(name: string, section: Schema, required: boolean): string[] {
  const item = section.type === "array" ? section.items : section;
  const need = required ? "Required." : "Optional.";
  const parts = [`## ${name}`, [section.description, need].filter(Boolean).join(" ")];
  const rows = item?.properties ? rowsOf(item, "") : [];
  if (rows.length > 0)
    parts.push(["| Key | Value | Default | Meaning |", "|---|---|---|---|", ...rows].join("\n"));
  return parts;
}

function rowsOf(schema: Schema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = `${prefix}${key}`;
    const nested = value.properties ?? value.items?.properties;
    const required = schema.required?.includes(key) ? "required" : "";
    const given = value.default === undefined ? required : `\`${JSON.stringify(value.default)}\``;
    const row = `| \`${name}\` | ${valueWords(value)} | ${given} | ${value.description ?? ""} |`;
    if (!nested) return [row];
    return [
      row,
      ...rowsOf(value.properties ? value : (value.items as Schema), `${name}${value.items ? "[]" : ""}.`),
    ];
  });
}

function valueWords(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((v) => `\`${v}\``).join(", ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(valueWords))].join(" or ");
  if (schema.type === "array") return schema.items ? `list of ${valueWords(schema.items)}` : "list";
  if (schema.type === "object") return "group";
  if (schema.type === "null") return "none";
  if (Array.isArray(schema.type)) return schema.type.map((type) => valueWords({ type })).join(" or ");
  const kind = { string: "text", integer: "whole number", number: "number", boolean: "true or false" }[
    schema.type ?? ""
  ];
  const { minimum, maximum } = schema;
  const bounded = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (bounded) return `${kind} ${minimum} to ${maximum}`;
  return minimum !== undefined ? `${kind} from ${minimum}` : (kind ?? "");
}
