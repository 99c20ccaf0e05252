/**
 * The catalogue of error codes. A code is stable: its meaning never changes and it is never used for another. The
 * names of LP40x are what `rejected` messages and the quarantine carry on the wire; those of LP42x, LP43x, LP60x,
 * LP845, LP880 and LP881 in lower case are kinds of refusals and alerts. docs/errors.md is generated from this page.
 */

export interface ErrorEntry {
  /** Stable upper-case name. */
  name: string;
  /** What happened, in the operator's words. */
  meaning: string;
  /** What the operator should do. */
  action: string;
}

export const ERRORS = {
  LP100: {
    name: "CONFIG_SYNTAX",
    meaning: "The config file is not YAML.",
    action: "Correct the line named. Indent with spaces, never with tabs, and write each key once.",
  },
  LP101: {
    name: "UNKNOWN_TIME_ZONE",
    meaning: "The time zone is not in the IANA database. Tariffs and receipts depend on it.",
    action: "Use a name such as Europe/Stockholm; an offset such as +01:00 cannot follow summer time.",
  },
  LP102: {
    name: "UNKNOWN_KEY",
    meaning: "A key that Laddport does not know. It is refused: a misspelt limit would be ignored silently.",
    action: "Correct the spelling or remove the key. docs/config.md lists every key.",
  },
  LP103: {
    name: "MISSING_KEY",
    meaning: "A required key is missing.",
    action: "Add it. docs/config.md says what it means.",
  },
  LP104: {
    name: "WRONG_TYPE",
    meaning: "The value is of the wrong kind, for example a number in quotes.",
    action: "Write the value as the message says.",
  },
  LP105: {
    name: "BAD_VALUE",
    meaning: "The value is not one of those allowed, or not written in the form required.",
    action: "Write the value as the message says.",
  },
  LP106: {
    name: "OUT_OF_RANGE",
    meaning: "The number, or the length of the list, is outside the range allowed.",
    action: "Choose a value within the range named.",
  },
  LP107: {
    name: "UNKNOWN_OVERRIDE",
    meaning: "An environment variable LADDPORT__... names a list item that the config file does not have.",
    action: "Correct the variable's name or unset it. Items are named by their id, with _ for -.",
  },
  LP108: {
    name: "INCOMPLETE_SECTION",
    meaning: "Two keys belong together and one of them is missing.",
    action: "Add the key named, or change the one that asks for it.",
  },
  LP109: {
    name: "TARIFF_DOUBTFUL",
    meaning:
      "A tariff is valid, and probably not what was meant: something would cost nothing, or never apply.",
    action: "Change it as the message says, or leave it when it is meant.",
  },
  LP110: {
    name: "DUPLICATE_ID",
    meaning: "An id is used twice. Stations and meters share one namespace: both are MQTT identities.",
    action: "Give each its own id.",
  },
  LP111: {
    name: "LISTENER_CLASH",
    meaning: "Two listeners want the same port.",
    action: "Give one of them another port.",
  },
  LP112: {
    name: "PLAIN_TEXT_LISTENER",
    meaning: "Passwords and readings would cross the network unencrypted.",
    action:
      "Use mqtt.tls for stations and keep mqtt.tcp on 127.0.0.1. Where the network is the stations' alone: mqtt.isolated_network: true.",
  },
  LP113: {
    name: "CURRENCY_MISMATCH",
    meaning: "A tariff is in another currency than the site.",
    action: "Use one currency for the site and all its tariffs.",
  },
  LP114: {
    name: "SECRET_IN_CONFIG",
    meaning: "A password is written in a URL. Config files are copied and shown; secrets must not be.",
    action: "Put user and password in their own keys, the password in a file.",
  },
  LP115: {
    name: "UNSUPPORTED_VERSION",
    meaning: "The config file is of a version that this program does not read.",
    action: "Write version: 1, or install the Laddport that the file was written for.",
  },
  LP116: {
    name: "UNKNOWN_IN_TARIFF_CHOICE",
    meaning:
      "A rule of tariff_choice names a tariff, station or EVSE that does not exist: it would never match.",
    action: "Correct the name, or remove it from the rule.",
  },
  LP117: {
    name: "ISOLATED_NETWORK",
    meaning:
      "Passwords and readings cross a network unencrypted; the config vouches that nobody else is on it.",
    action: "Use mqtt.tls where the stations can.",
  },
  LP118: {
    name: "NO_WAY_IN",
    meaning: "An identity cannot connect in the way that its auth asks for.",
    action: "Change auth, or open a door for it.",
  },
  LP119: {
    name: "PLAIN_TEXT_API",
    meaning: "Passwords, tokens and what the API shows would cross the network unencrypted.",
    action:
      "Add api.tls with cert_file and key_file, or listen on 127.0.0.1. Where nobody else is on that network, set api.isolated_network: true.",
  },
  LP120: {
    name: "SECRET_IN_ENVIRONMENT",
    meaning: "A variable LADDPORT__... carries a secret. Environments are inherited, listed and logged.",
    action:
      "Unset it. Put the secret into a file of mode 0600 and name the file in the key that ends in _file.",
  },

  LP202: {
    name: "UNKNOWN_CIRCUIT",
    meaning: "A station or circuit names a circuit that does not exist.",
    action: "Correct the name or add the circuit.",
  },
  LP203: {
    name: "CIRCUIT_CYCLE",
    meaning: "Circuits are each other's parent, so none of them leads to the grid.",
    action: "Follow the cables from the grid connection downwards and correct the parents.",
  },
  LP204: {
    name: "NOT_ONE_ROOT",
    meaning: "The circuits are not one tree: exactly one circuit, the grid connection, has no parent.",
    action: "Give every other circuit the circuit it is fed from as parent.",
  },
  LP205: {
    name: "NO_ROOM",
    meaning: "The reserve takes the whole limit.",
    action: "Lower reserve_a or correct limit_a.",
  },
  LP206: {
    name: "BAD_CURRENT_RANGE",
    meaning: "min_a and max_a leave no current that the EVSE may have.",
    action: "Write 6 <= min_a <= max_a for AC (IEC 61851-1 knows no current between 0 and 6 A).",
  },
  LP207: {
    name: "BAD_FALLBACK",
    meaning: "fallback_a is not a current that the EVSE can have.",
    action: "Write 0, or a value from min_a to max_a, and the same in the station's own settings.",
  },
  LP208: {
    name: "DC_PHASES",
    meaning: "A DC station is fed by three lines.",
    action: "Write phases: 3 or remove the key.",
  },
  LP209: {
    name: "UNKNOWN_METER",
    meaning: "A circuit names a meter that does not exist.",
    action: "Add the meter to meters or correct the name.",
  },
  LP210: {
    name: "MINIMA_EXCEED_LIMIT",
    meaning: "Not all EVSEs of a circuit can charge at the same time, even at their minimum.",
    action: "Expect cars to take turns, or lower min_a, or spread single-phase stations with phase_order.",
  },
  LP211: {
    name: "FALLBACKS_EXCEED_LIMIT",
    meaning:
      "If all stations lost the gateway at once, their fallbacks and the worst other load together would exceed a circuit's limit.",
    action: "Lower fallback_a until the sum fits, in the config and in the stations.",
  },
  LP212: {
    name: "CANNOT_SWITCH_PHASES",
    meaning: "Only a station that charges AC on three phases can charge on one instead.",
    action: "Remove phase_switching, or correct kind and phases.",
  },

  LP300: {
    name: "CONFIG_NOT_FOUND",
    meaning: "The config file cannot be read.",
    action: "Name the file with --config, or write a first one with: laddport init --dir DIR",
  },
  LP301: {
    name: "FILE_UNREADABLE",
    meaning: "A file that the config names cannot be read.",
    action: "Correct the path (relative paths start at the config file's folder), or the file's owner.",
  },
  LP302: {
    name: "SECRET_FILE_OPEN",
    meaning: "A file with secrets or personal data can be read by other users of the machine.",
    action: "Run: chmod 600 FILE",
  },
  LP303: {
    name: "SECRET_MALFORMED",
    meaning: "A secret file is empty or not in its form.",
    action: "Write the file again. laddport init --dir OTHER shows a good one of each kind.",
  },
  LP304: {
    name: "STATION_WITHOUT_PASSWORD",
    meaning: "A station or meter has no line in the credentials file, so it cannot connect with a password.",
    action: "Add a line for it, or give it a client certificate and set mqtt.tls.client_ca_file.",
  },
  LP320: {
    name: "CERTIFICATE_EXPIRED",
    meaning: "A certificate is outside its period of validity.",
    action: "Check the machine's clock, then renew the certificate and start again.",
  },
  LP321: {
    name: "CERTIFICATE_UNREADABLE",
    meaning: "A file is not a PEM certificate.",
    action: "Name the file that begins with -----BEGIN CERTIFICATE-----.",
  },
  LP322: {
    name: "KEY_MISMATCH",
    meaning: "A private key cannot be read or does not belong to its certificate.",
    action: "Name the key that the certificate was issued for, as unencrypted PEM.",
  },
  LP323: {
    name: "CERTIFICATE_EXPIRES_SOON",
    meaning: "A certificate expires within 30 days.",
    action: "Renew it in time.",
  },
  LP324: {
    name: "CERTIFICATE_UNSUITABLE",
    meaning: "A certificate's key or usage is not made for what the config names it for.",
    action:
      "Ask its owner for one with a P-256 or RSA key and, for recipients, the usage emailProtection with keyAgreement (EC) or keyEncipherment (RSA).",
  },
  LP325: {
    name: "ESCROW_KEY_HERE",
    meaning:
      "Whoever takes this machine can open every summary: the escrow's private key lies beside the gateway.",
    action:
      "Move that file to a medium that is kept offline, check that it can be read there, and delete it here.",
  },
  LP328: {
    name: "REVOCATION_LIST_BAD",
    meaning:
      "A revocation list cannot be read, or none of the authorities in mqtt.tls.client_ca_file signed it.",
    action: "Write it again with laddport pki revoke, or fetch it again from that authority.",
  },
  LP329: {
    name: "REVOCATION_LIST_OLD",
    meaning: "The authority promised a newer revocation list by now. The old one is used.",
    action: "Fetch the newer one.",
  },

  LP401: {
    name: "NOT_JSON",
    meaning: "A station's message is not JSON. It is kept in quarantine.",
    action: "Look at the station's settings: another protocol, encoding or an unfinished dialect.",
  },
  LP402: {
    name: "SCHEMA",
    meaning: "A message does not follow the contract: a field is missing, of the wrong type or out of range.",
    action: "Compare the message with docs/topics.md; `rejected` names the field.",
  },
  LP403: {
    name: "KEY_CONFLICT",
    meaning: "A station used the same boot and seq again for another content. Neither is guessed away.",
    action: "Have the station's firmware corrected: seq must rise within one boot.",
  },
  LP404: {
    name: "UNKNOWN_STATION",
    meaning: "A message is from a station that the config does not have.",
    action: "Add it to stations or meters and restart the gateway.",
  },
  LP405: {
    name: "UNKNOWN_EVSE",
    meaning: "A message names an EVSE that the station does not have by the config.",
    action: "Raise the station's evses, or correct the EVSE number in the station.",
  },
  LP406: {
    name: "NOT_UTF8",
    meaning: "A message holds bytes that are not UTF-8.",
    action: "Set the station to UTF-8 JSON.",
  },
  LP407: {
    name: "POISON",
    meaning: "A message ended the ledger thread three times. It is kept unread and the rest goes on.",
    action: "Report it, with the message from quarantine: this is a fault of Laddport.",
  },
  LP420: {
    name: "MQTT5_REFUSED",
    meaning: "A client connects with MQTT 5.",
    action: "Set it to MQTT 3.1.1 (often shown as version 4).",
  },
  LP421: {
    name: "AUTHENTICATION_FAILED",
    meaning: "User name or password is wrong, or too many tries were.",
    action:
      "Compare the station's user and password with credentials.csv; wait a minute after several failures.",
  },
  LP422: {
    name: "AUTHENTICATION_TIMEOUT",
    meaning: "A login took too long, because too many came at once.",
    action: "Nothing: the client tries again. If it lasts, look at the machine's load.",
  },
  LP423: {
    name: "CLIENT_ID_REFUSED",
    meaning: "The client id does not belong to the user.",
    action: "Set the client id to the user name.",
  },
  LP424: {
    name: "CERTIFICATE_REFUSED",
    meaning: "A client certificate is not of an identity that may connect.",
    action: "Issue it with the station's id as common name, by the CA in mqtt.tls.client_ca_file.",
  },
  LP425: {
    name: "TLS_FAILED",
    meaning: "A TLS connection could not be made.",
    action: "Install the gateway's CA in the station, and check that it knows TLS 1.2.",
  },
  LP426: {
    name: "ACL_DENIED",
    meaning: "A client used a topic that is not its own.",
    action: "Compare the topic with docs/topics.md: site, station id and EVSE must be its own.",
  },
  LP427: {
    name: "QOS_REFUSED",
    meaning: "A message came with a QoS that the topic does not allow.",
    action: "Publish to `in/` with QoS 1.",
  },
  LP428: {
    name: "OVERSIZE",
    meaning: "A message is larger than 64 KiB, or 4 KiB before login.",
    action: "Shorten what the station sends; signed values may hold 32 KiB.",
  },
  LP429: {
    name: "MALFORMED",
    meaning: "Bytes are not MQTT, or break its rules.",
    action: "Check that the client speaks MQTT to this port, with or without TLS as the listener has it.",
  },
  LP430: {
    name: "KEEPALIVE_REFUSED",
    meaning: "The keepalive is 0 or too long, so that a dead connection would go unnoticed.",
    action: "Set a keepalive of 60 s in the station.",
  },
  LP431: {
    name: "KEEPALIVE_TIMEOUT",
    meaning: "A client fell silent for one and a half times its keepalive.",
    action: "Check the station's network.",
  },
  LP432: {
    name: "CONNECT_TIMEOUT",
    meaning: "A connection was opened and nobody logged in on it.",
    action: "Look who connects from that address.",
  },
  LP433: {
    name: "IDENTITY_TAKEOVER",
    meaning: "A second client logged in as the same identity; the first was disconnected.",
    action: "If it repeats, two devices use one password: give each its own.",
  },
  LP434: {
    name: "SLOW_SUBSCRIBER",
    meaning: "A client does not read what it subscribed to, and was disconnected.",
    action: "Check its network, or let it subscribe to less.",
  },
  LP435: {
    name: "RATE_LIMITED",
    meaning: "A client sends or connects faster than the gateway allows.",
    action: "Look for a loop in that client.",
  },
  LP436: {
    name: "SUBSCRIPTION_LIMIT",
    meaning: "A client asks for more subscriptions than it may have.",
    action: "Use one wildcard instead of many topics.",
  },
  LP437: {
    name: "CONNECTION_LIMIT",
    meaning: "More connections than the broker takes.",
    action: "Look which address opens so many.",
  },
  LP438: {
    name: "LOGIN_BRAKED",
    meaning:
      "A user or an address failed to log in too often: for a minute its tries are refused without looking at the password.",
    action:
      "Compare the station's password with credentials.csv. Where no station of yours has that address, somebody is guessing.",
  },
  LP439: {
    name: "OTHER_AUTH_CONFIGURED",
    meaning: "An identity came with a password where the config says certificate, or the other way round.",
    action: "Set the station up as its auth says, or change auth in the config.",
  },
  LP440: {
    name: "DEPARTURE_AT_RISK",
    meaning:
      "By the plan a vehicle will lack energy when it leaves, or its station or the vehicle itself is in the way.",
    action:
      "See laddport readiness for the causes: plug it in elsewhere, give it a higher class, move its departure, or free room on the circuit that is full.",
  },
  LP441: {
    name: "DEPARTURE_IMPOSSIBLE",
    meaning: "Not even at full rate from now on will a vehicle have what it needs when it leaves.",
    action: "Let it leave later, send another vehicle, or move it to a faster station.",
  },
  LP442: {
    name: "OFFERED_NOT_DRAWN",
    meaning: "A vehicle that wants energy has been offered current for minutes and takes none.",
    action:
      "Look at its cable, its own charging timer and its charge limit; some vehicles wake when plugged in anew.",
  },

  LP501: {
    name: "LOG_DAMAGED",
    meaning: "A row of the log is missing or was altered: the hash chain or its signed checkpoint disagrees.",
    action: "Keep the data directory as it is, run: laddport log verify, and restore from a backup.",
  },
  LP502: {
    name: "FSYNC_FAILED",
    meaning:
      "The disk refused to make data durable. The gateway stops: after that, nothing it read back is sure.",
    action: "Check the disk (dmesg, smartctl), replace it if need be, then start the gateway again.",
  },
  LP503: {
    name: "DISK_FULL",
    meaning: "No room for the log. Stations are held, not refused; limits keep flowing.",
    action: "Free space on the data disk; intake goes on by itself.",
  },
  LP504: {
    name: "LOG_IN_USE",
    meaning: "Another gateway writes to this data directory.",
    action: "Stop it, or give this one its own --data.",
  },
  LP505: {
    name: "LOG_SCHEMA_TOO_NEW",
    meaning: "A newer release wrote this log. Read with older rules, it could lose what they meant.",
    action: "Start the newer release, or restore a backup made by this one.",
  },

  LP506: {
    name: "NOT_A_LOG",
    meaning: "log.db in the data directory was not written by Laddport, or is damaged beyond reading.",
    action: "Keep the file as it is. Name another data directory with --data, or restore from a backup.",
  },
  LP508: {
    name: "RESTORE_UNFINISHED",
    meaning:
      "A restoration into this data directory was broken off, or its log did not prove itself: a gateway on it could serve erased subjects and use numbers twice.",
    action: "Move the directory away and restore again: laddport restore.",
  },

  LP601: {
    name: "UPSTREAM_DOWN",
    meaning:
      "The cloud cannot be reached, or its receipts name other bytes. Sealed summaries are kept and sent again.",
    action: "Nothing, for weeks. Check the uplink and upstream.url if it lasts.",
  },
  LP602: {
    name: "SUMMARY_REJECTED",
    meaning: "The cloud refused a summary. It stays numbered; later ones are sent.",
    action: "Read the reason in the alert and settle that summary with the receiver.",
  },
  LP603: {
    name: "RECIPIENT_EXPIRED",
    meaning:
      "A recipient's certificate is expired, not valid yet, revoked or for another use. Nothing is sealed for it; while it is the receiver's, bills wait.",
    action:
      "Put the new certificate into upstream.recipient_cert_files and start again. What waited is sealed then.",
  },
  LP611: {
    name: "INFLUX_UNREACHABLE",
    meaning: "InfluxDB cannot be reached. Nothing is lost: points are written from the log when it is back.",
    action: "Start InfluxDB or correct influx.url.",
  },
  LP612: {
    name: "INFLUX_UNAUTHORIZED",
    meaning: "InfluxDB refuses the credentials.",
    action: "Put a token that may write to the bucket into influx.token_file.",
  },
  LP613: {
    name: "INFLUX_LINE_REFUSED",
    meaning:
      "InfluxDB refused one line, often a field whose type changed. That line is set aside, the rest written.",
    action: "Read the reason in the log; drop the old field in InfluxDB if it has the wrong type.",
  },
  LP614: {
    name: "INFLUX_NOT_FOUND",
    meaning: "InfluxDB does not have the bucket, the database or the path.",
    action: "Create it, or correct influx.bucket, influx.database or influx.mode.",
  },
  LP615: {
    name: "INFLUX_BUSY",
    meaning: "InfluxDB cannot take points now.",
    action: "Nothing: it is tried again.",
  },
  LP616: {
    name: "INFLUX_REFUSES_ALL",
    meaning: "InfluxDB refuses every line and does not say why.",
    action: "Check influx.url, the database or bucket, and any proxy in between.",
  },
  LP617: {
    name: "INFLUX_ANSWER_UNEXPECTED",
    meaning: "What answers at influx.url does not behave like InfluxDB.",
    action: "Check that influx.url is the database itself and that influx.mode names its kind.",
  },

  LP701: {
    name: "FLOWS_DOWN",
    meaning: "Node-RED ended or hung and is started again. Charging and billing are unaffected.",
    action: "Open the editor and look at the flow deployed last.",
  },
  LP702: {
    name: "FLOWS_SAFE_MODE",
    meaning: "Node-RED failed three times within a minute and runs with its flows stopped.",
    action: "Correct the flow in the editor and deploy it: that leaves safe mode.",
  },

  LP801: {
    name: "WOULD_OVERWRITE",
    meaning: "init found files of an earlier run. Overwriting them would destroy keys and passwords.",
    action: "Choose another --dir, or move the old files away yourself.",
  },
  LP802: {
    name: "CANNOT_WRITE",
    meaning: "A file or folder cannot be written.",
    action: "Choose a folder that this user may write to.",
  },
  LP803: {
    name: "USAGE",
    meaning: "An option is missing or has a value that is not understood.",
    action: "Run the command with --help.",
  },
  LP804: {
    name: "NODE_TOO_OLD",
    meaning: "Laddport needs Node.js 24 and there is no pinned one for this platform.",
    action: "Install Node.js 24 or newer from nodejs.org, then run the command again.",
  },
  LP805: {
    name: "CANNOT_READ",
    meaning: "A file or folder named on the command line is missing, unreadable or of another kind.",
    action: "Correct the path, or the rights of the file.",
  },
  LP806: {
    name: "GATEWAY_REFUSED",
    meaning: "The running gateway did not take what a command brought, or does not answer.",
    action: "Start it with laddport run, or do what its answer says.",
  },
  LP807: {
    name: "BAD_INPUT",
    meaning: "A file named on the command line does not hold what the command needs.",
    action: "Correct the field named.",
  },
  LP820: {
    name: "UNKNOWN_CLASS",
    meaning: "A vehicle is of a class that the config has not.",
    action: "Correct the name, or add the class with its weight to classes.",
  },
  LP821: {
    name: "BAD_VEHICLES_FILE",
    meaning: "A line of vehicles_file is not understood, or names a vehicle twice.",
    action: "Correct the line named.",
  },
  LP822: {
    name: "BAD_DEPARTURES",
    meaning: "A file of departures has faults, so nothing of it was taken.",
    action: "Correct the lines named and import it again; docs/departures.md shows the columns.",
  },
  LP840: {
    name: "UNKNOWN_REGISTER_MAP",
    meaning: "A meter names a register map that nobody has written.",
    action: "Name one of laddport meters list-maps, or write your own under register_maps (docs/meters.md).",
  },
  LP841: {
    name: "MAP_WITHOUT_CURRENTS",
    meaning: "A circuit is kept safe by the current of each line, and the register map does not read it.",
    action:
      "Add the points current_l1, current_l2 and current_l3 to the map, or give the meter another role.",
  },
  LP842: {
    name: "METER_OF_ANOTHER_ROLE",
    meaning: "A circuit names a meter that does not measure it: one of production, storage or a building.",
    action:
      "Name the meter through which all current of the circuit flows, or give this one the role circuit.",
  },
  LP843: {
    name: "METER_IS_POLLED",
    meaning: "A meter is polled over Modbus TCP and has settings of one that publishes by MQTT.",
    action: "Leave them out.",
  },
  LP844: {
    name: "UNKNOWN_INPUT",
    meaning: "A digital input is named that inputs does not have.",
    action: "Add it to inputs, with the Modbus device that has the contact.",
  },
  LP845: {
    name: "METER_UNREACHABLE",
    meaning:
      "A meter or digital input that the gateway polls gives no usable answer. What depends on a meter goes to fail-safe limits.",
    action: "Do what the message says; laddport meters test NAME shows each register as it is read.",
  },
  LP846: {
    name: "BAD_REGISTER_MAP",
    meaning: "A file that should hold a register map does not.",
    action: "Correct the field named; docs/meters.md describes each.",
  },
  LP830: {
    name: "PKI_REFUSED",
    meaning: "The depot's certificate authority did not do what was asked, and nothing was handed out.",
    action: "Do what the message says; docs/certificates.md explains each command.",
  },
  LP860: {
    name: "NOT_A_SNAPSHOT",
    meaning:
      "A file given to laddport allocate is not JSON, or has a field that laddport-snapshot/1 does not have.",
    action: "Correct the fields named; docs/schemas/allocation-snapshot.json says what belongs where.",
  },
  LP861: {
    name: "SNAPSHOT_CONTRADICTS_ITSELF",
    meaning: "The circuits and connectors of a snapshot do not fit together.",
    action: "Correct the fields named.",
  },
  LP880: {
    name: "GRID_ORDER_MISSED",
    meaning:
      "An order of the grid side was not seen to be kept within its reaction time: the circuit's meter shows more, or nothing.",
    action:
      "Look at what draws on the circuit besides charging, at stations that ignore their limit (laddport status), and at its meter.",
  },
  LP881: {
    name: "GRID_INPUT_SILENT",
    meaning: "A digital input of grid.inputs cannot be read. After a minute it counts as closed.",
    action: "Mend the input or its wiring. Charging stays limited as the input says until it can be read.",
  },
  LP808: {
    name: "BILL_DOES_NOT_ADD_UP",
    meaning: "A bill in the log has lines, a total and an amount to pay that contradict each other.",
    action: "See laddport cdr verify with its id, and take the bill back with laddport cdr credit.",
  },

  LP850: {
    name: "OTHER_LOAD_UNKNOWN",
    meaning:
      "Circuits have no meter, and the config does not say what else than stations draws there. Limits are kept as if nothing did.",
    action:
      "Write worst_other_a: 0 where nothing but stations is connected (of a feeding circuit it holds for those below), what else may draw there, or name the meter.",
  },
  LP851: {
    name: "NO_MINIMUM_FITS",
    meaning: "No EVSE of a circuit can ever charge: even one alone at its minimum needs more than is free.",
    action:
      "Correct limit_a, reserve_a or worst_other_a, or lower min_a where the station can charge with less.",
  },
  LP852: {
    name: "FALLBACKS_UNBALANCED",
    meaning:
      "If some stations lost the gateway, their fallbacks could load one line more than another than the circuit allows.",
    action: "Rotate phase_order from station to station, or lower fallback_a of single-phase stations.",
  },
  LP853: {
    name: "FALLBACKS_EXCEED_POWER",
    meaning:
      "If all stations lost the gateway at once, their fallbacks and the worst other load together would exceed a circuit's limit in kW.",
    action: "Lower fallback_a until the sum fits, in the config and in the stations, or raise limit_kw.",
  },
  LP855: {
    name: "NOTHING_TO_EXPLAIN",
    meaning: "The log has no limit that was sent to this station, EVSE or vehicle around that time.",
    action:
      "Name a station, an EVSE (cp-01/2) or a vehicle of the depot, and a time that retention still covers.",
  },
} as const satisfies Record<`LP${number}`, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a place in the catalogue. `fix` says what to do here; the catalogue's action when absent. */
export class LaddportError extends Error {
  readonly code: ErrorCode;
  readonly fix: string;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: { fix?: string; detail?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "LaddportError";
    this.code = code;
    this.fix = more.fix ?? ERRORS[code].action;
    this.detail = more.detail ?? {};
  }

  /** For a terminal: code, what, fix, each a sentence. */
  override toString(): string {
    const what = /[.!?:\n]$/.test(this.message) ? this.message : `${this.message}.`;
    return `${this.code} ${what} ${this.fix}`.trimEnd();
  }
}
