/** MQTT topic names and filters (MQTT 3.1.1, section 4.7). */

const MAX_LENGTH = 256;
/** Control characters (NUL is forbidden, MQTT-1.5.3-2, the others ought not be there) and what bad UTF-8 decodes to. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const UNCLEAN = /[\u0000-\u001f\u007f-\u009f\ufffd]/;

/** True when `text` may stand in a topic: no control character, nothing that was not UTF-8. */
function isCleanText(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LENGTH && !UNCLEAN.test(text);
}

export function isValidFilter(filter: string): boolean {
  if (!isCleanText(filter)) return false;
  const levels = filter.split("/");
  return levels.every(
    (level, i) =>
      level === "+" ||
      (level === "#" && i === levels.length - 1) ||
      !(level.includes("+") || level.includes("#")),
  );
}

/** Whether a valid `filter` selects `topic`. A wildcard at the root never selects `$` topics (MQTT-4.7.2-1). */
export function matchesTopic(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true;
    if (i >= levels.length || (level !== "+" && level !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
