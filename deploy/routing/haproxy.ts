/** @file HAProxy's configuration that sends a picture to the server that knows it: the digest of the picture, out of the body, on a ring of servers. */

/** Where requests come in, and the servers they go to. */
export interface HaproxyChoices {
  /** Address that HAProxy listens on, such as `:8080`. */
  bind: string;
  /** Servers by name; the ring is made of their order, so new ones go to the end. */
  servers: Record<string, string>;
  /** Longest time from a request's arrival to its last token, in seconds. */
  longestAnswer: number;
  /** Bytes of the largest body in which a picture is looked for. A connection has two such buffers while a request comes in. */
  bufferBytes: number;
  /** Time between two looks at a server's /readyz, as HAProxy writes it. */
  checkEvery: string;
  /** Time that an answer to that may take. */
  checkWithin: string;
}

/** The choices behind haproxy.cfg in this folder. */
export const exampleServers: HaproxyChoices = {
  bind: ":8080",
  servers: { a: "10.0.0.11:8000", b: "10.0.0.12:8000", c: "10.0.0.13:8000" },
  longestAnswer: 300,
  bufferBytes: 8 * 1024 * 1024,
  checkEvery: "1s",
  checkWithin: "5s",
};

const chat = (message: number, part: number) => `$.messages[${message}].content[${part}]`;
/** A picture is the first of its conversation, at the beginning of the first turn or, behind a system prompt, of the second. */
const FIRST_PLACES = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** Where each API has its pictures, by the beginning of its path. */
const PLACES: Record<string, string[]> = {
  "/v1/chat/completions": FIRST_PLACES.map(([message, part]) => `${chat(message, part)}.image_url.url`),
  "/v1/responses": FIRST_PLACES.map(([message, part]) => `$.input[${message}].content[${part}].image_url`),
  "/v1/messages": [0, 1].map((part) => `${chat(0, part)}.source.data`),
  "/api/chat": [0, 1].map((message) => `$.messages[${message}].images[0]`),
  "/api/generate": ["$.images[0]"],
};

/**
 * The configuration as a text.
 *
 * - The digest is of the base64 alone (what stands behind the comma of a data: URL), so all APIs lead to the same server.
 * - A header `X-Picture-Digest` of the client's own counts where the body has no picture in its usual place; the SHA-256 of
 *   the base64 in hex is what HAProxy finds itself.
 * - A request without a picture goes round robin.
 * - Servers that leave answer 503 before they have begun (or take no connections): such requests go to another server.
 *
 * @example const text = haproxyConfig({ ...exampleServers, bind: "127.0.0.1:8080" });
 */
export function haproxyConfig({
  bind,
  servers,
  longestAnswer,
  bufferBytes,
  checkEvery,
  checkWithin,
}: HaproxyChoices): string {
  const digests = Object.entries(PLACES).flatMap(([path, places]) =>
    places.map(
      (place) =>
        `  http-request set-var(txn.picture) req.body,json_query('${place}'),field(-1,\\',\\'),sha2(256),hex,lower if { path ${path} } !{ var(txn.picture) -m found }`,
    ),
  );
  return `# Pictures go to the server that has them in its cache. Written by \`npm run deploy:manifests\` from deploy/routing/haproxy.ts.
global
  # The largest body in which a picture is looked for. Buffers are taken while they are needed, two for a connection.
  tune.bufsize ${bufferBytes}
  maxconn 256

defaults
  mode http
  timeout connect 2s
  timeout check ${checkWithin}
  timeout http-request 30s
  timeout client ${longestAnswer + 30}s
  timeout server ${longestAnswer + 30}s
  # What a server has not begun to answer is asked of another one.
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response 503

frontend requests
  bind ${bind}
  option http-buffer-request
  default_backend servers

backend servers
${digests.join("\n")}
  http-request set-header X-Picture-Digest %[var(txn.picture)] if { var(txn.picture) -m found }
  balance hdr(X-Picture-Digest)
  hash-type consistent sdbm avalanche
  # A picture that everybody asks about may overflow to other servers: none runs more than 1.5 times the mean.
  hash-balance-factor 150
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
  default-server check inter ${checkEvery} fall 2 rise 1
${Object.entries(servers)
  .map(([name, address]) => `  server ${name} ${address}`)
  .join("\n")}
`;
}
