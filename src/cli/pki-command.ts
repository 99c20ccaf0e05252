/** The options of `laddport pki`. */
import { Command, CommanderError, Option } from "commander";
import { type CommandIo, EXIT } from "./output.ts";

type Work<O> = (options: O, io: CommandIo) => Promise<number>;

export function pkiCommand(io: CommandIo): Command {
  const pki = new Command("pki").exitOverride().description("certificates of the depot and its stations");
  const does =
    <O>(load: () => Promise<Work<O>>) =>
    async (options: O) => {
      process.exitCode = await (await load())(options, io);
    };
  const station = () => new Option("--station <id>", "the station (or meter)");
  const validity = () => new Option("--days <n>", "how long it is valid").argParser(days);
  const rsa = () =>
    new Option("--rsa [bits]", "an RSA key of 2048 or 3072 bits, for stations that need one (else P-256)");
  const host = () =>
    new Option("--host <names...>", "DNS names and IP addresses of the server (else all of this machine)");
  withKey(pki.command("init"))
    .description("make the depot's certificate authority (laddport init makes one, too)")
    .action(does(async () => (await import("./pki.ts")).pkiInit));
  withKey(pki.command("issue"))
    .description("a key and its certificate: key.pem, cert.pem and ca.pem")
    .addOption(station())
    .option("--server", "for the broker, in the place that the config names")
    .option("--out <dir>", "where to write them")
    .addOption(rsa())
    .addOption(validity())
    .addOption(host())
    .action(does(async () => (await import("./pki.ts")).pkiIssue));
  withKey(pki.command("sign-csr"))
    .description("a certificate for a key that the station made itself, on stdout unless --out is given")
    .argument("<file>", "its signing request (PKCS #10), PEM or DER")
    .addOption(station().makeOptionMandatory())
    .option("--out <dir>", "where to write cert.pem and ca.pem")
    .addOption(validity())
    .action(async (file: string, options: Omit<import("./pki.ts").SignCsrOptions, "file">) => {
      const { pkiSignCsr } = await import("./pki.ts");
      process.exitCode = await pkiSignCsr({ ...options, file }, io);
    });
  withKey(pki.command("revoke"))
    .description("take certificates back: the broker refuses them and cuts who is connected with one")
    .addOption(station())
    .option("--serial <hex>", "this one alone")
    .addOption(
      new Option("--reason <why>", "what the list says")
        .choices(["unspecified", "key-compromise", "superseded", "cessation-of-operation"])
        .default("unspecified"),
    )
    .action(does(async () => (await import("./pki.ts")).pkiRevoke));
  withConfig(pki.command("list"))
    .description("what was issued: subject, serial, purpose, end, days left, state")
    .option("--all", "revoked and expired ones, too")
    .action(does(async () => (await import("./pki-list.ts")).pkiList));
  withKey(pki.command("renew"))
    .description("another one beside the old, which stays valid until its end")
    .addOption(station())
    .option("--server", "that of the broker, in its place")
    .option("--ca", "the authority: a new generation, the earlier one stays trusted")
    .option("--out <dir>", "where to write a station's")
    .option("--revoke-old", "revoke the old one at once")
    .option("--new-key", "of the server: make a new key")
    .addOption(rsa())
    .addOption(validity())
    .addOption(host())
    .action(does(async () => (await import("./pki.ts")).pkiRenew));
  return pki;
}

function withConfig(command: Command): Command {
  return command
    .exitOverride()
    .addOption(new Option("--config <file>", "the config").default("laddport.yaml"))
    .addOption(new Option("--json", "machine-readable output"));
}

function withKey(command: Command): Command {
  return withConfig(command)
    .option("--ca-key <file>", "the authority's key (default: secrets/ca.key beside the config)")
    .option(
      "--passphrase-file <file>",
      "the passphrase that the authority's key is encrypted with; - is stdin",
    );
}

function days(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 7300)
    throw new CommanderError(EXIT.usage, "usage", `--days is "${text}": write 1 to 7300`);
  return n;
}
