/** @file The formats of JSON schema strings as patterns: RFC 3339 dates, RFC 3986 URIs and so on, each at most as wide as its standard. */

const year = "\\d{4}";
const leap = "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
const DATE = `(${year}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|${leap}-02-29)`;
const TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
const n = "\\d{1,6}";
const clock = `(${n}H(${n}M(${n}S)?)?|${n}M(${n}S)?|${n}S)`;
const DURATION = `P(${n}W|(${n}D|${n}M(${n}D)?|${n}Y(${n}M(${n}D)?)?)(T${clock})?|T${clock})`;
const octet = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const h = "[\\da-fA-F]{1,4}";
const IPV6 = [
  `(${h}:){7}${h}`,
  ...[1, 2, 3, 4, 5, 6].map((count) => `(${h}:){${count}}(:${h}){1,${7 - count}}`),
  `(${h}:){1,7}:`,
  `:(:${h}){1,7}`,
  "::",
].join("|");
const label = "[A-Za-z\\d]([A-Za-z\\d-]{0,61}[A-Za-z\\d])?";
const HOSTNAME = `${label}(\\.${label})*`;
const hex = "[\\da-fA-F]";
const UUID = `${hex}{8}-${hex}{4}-[1-8]${hex}{3}-[89abAB]${hex}{3}-${hex}{12}`;
const pchar = `([A-Za-z\\d._~!$&'()*+,;=:@-]|%${hex}{2})`;
const noColon = `([A-Za-z\\d._~!$&'()*+,;=@-]|%${hex}{2})`;
const tail = `(\\?(${pchar}|[/?])*)?(#(${pchar}|[/?])*)?`;
const URI = `([A-Za-z][A-Za-z\\d+.-]{0,30}://${HOSTNAME}(:[1-9]\\d{0,3})?(/${pchar}*)*${tail}|(mailto|urn|tel|data):${pchar}+)`;
const REFERENCE = `(${URI}|/?${noColon}+(/${pchar}*)*${tail})`;
const TEMPLATE = `([A-Za-z\\d._~:/?#@!$&()*+,;=-]|%${hex}{2}|\\{[+#./;?&]?[A-Za-z\\d_]+([.,][A-Za-z\\d_]+)*\\*?\\})+`;
const POINTER = "(/([^~/]|~[01])*)*";

/** Formats that can be enforced, as patterns. */
export const FORMATS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    email: `([A-Za-z\\d_'+-]+\\.)*[A-Za-z\\d_'+-]*[A-Za-z\\d_+-]@([A-Za-z\\d][A-Za-z\\d-]*\\.)+[A-Za-z]{2,63}`,
    date: DATE,
    time: TIME,
    "date-time": `${DATE}T${TIME}`,
    duration: DURATION,
    ipv4: `(${octet}\\.){3}${octet}`,
    ipv6: IPV6,
    hostname: HOSTNAME,
    uuid: UUID,
    uri: URI,
    "uri-reference": REFERENCE,
    "uri-template": TEMPLATE,
    "json-pointer": POINTER,
    "relative-json-pointer": `(0|[1-9]\\d{0,3})(#|${POINTER})`,
  }),
);

/** Patterns that zod writes beside a format to say the same; ours is part of each. A test holds them to what zod writes. */
export const SAID_TWICE: ReadonlySet<string> = new Set([
  "^(?:[A-Za-z0-9_'+\\-]+\\.)*[A-Za-z0-9_'+\\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
  "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$",
  "^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])$",
  "^(([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|([0-9a-fA-F]{1,4}:){1,7}:|([0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F]{1,4}|([0-9a-fA-F]{1,4}:){1,5}(:[0-9a-fA-F]{1,4}){1,2}|([0-9a-fA-F]{1,4}:){1,4}(:[0-9a-fA-F]{1,4}){1,3}|([0-9a-fA-F]{1,4}:){1,3}(:[0-9a-fA-F]{1,4}){1,4}|([0-9a-fA-F]{1,4}:){1,2}(:[0-9a-fA-F]{1,4}){1,5}|[0-9a-fA-F]{1,4}:((:[0-9a-fA-F]{1,4}){1,6})|:((:[0-9a-fA-F]{1,4}){1,7}|:))$",
  "^(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|(?:02)-(?:0[1-9]|1\\d|2[0-8])))$",
]);
