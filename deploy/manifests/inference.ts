/** @file The Gateway API inference extension: a pool of model servers, and the route that leads to it. */
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { z } from "zod";
import { type Choices, podLabels } from "../choices.ts";

const GROUP = "inference.networking.k8s.io";
const portNumber = z.strictObject({ number: z.int().min(1).max(65_535) });
const name = z.string().min(1).max(253);
const labelValue = z
  .string()
  .max(63)
  .regex(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/);
const endpointPickerRef = z
  .strictObject({
    group: z.string().max(253).optional(),
    kind: z.string().min(1).max(63).optional(),
    name,
    port: portNumber.optional(),
    failureMode: z.enum(["FailOpen", "FailClose"]).optional(),
  })
  .refine(
    ({ kind, port }) => (kind ?? "Service") !== "Service" || port !== undefined,
    "port is required for a Service",
  );

/**
 * What the extension's CRD `inferencepools.inference.networking.k8s.io` says of a pool, version v1, in our own words:
 * kubernetes-models has no package for it.
 */
const poolSchema = z.strictObject({
  apiVersion: z.literal(`${GROUP}/v1`),
  kind: z.literal("InferencePool"),
  metadata: z.strictObject({ name, labels: z.record(z.string(), labelValue).optional() }),
  spec: z.strictObject({
    selector: z.strictObject({ matchLabels: z.record(z.string(), labelValue) }),
    targetPorts: z.array(portNumber).min(1).max(8),
    appProtocol: z.enum(["http", "kubernetes.io/h2c"]).optional(),
    endpointPickerRef: endpointPickerRef.optional(),
  }),
});

type PoolFields = z.infer<typeof poolSchema>;

/** An InferencePool, in the form that kubernetes-models gives its objects. */
export class InferencePool {
  readonly apiVersion = `${GROUP}/v1`;
  readonly kind = "InferencePool";
  readonly metadata: PoolFields["metadata"];
  readonly spec: PoolFields["spec"];

  constructor({ metadata, spec }: Pick<PoolFields, "metadata" | "spec">) {
    this.metadata = metadata;
    this.spec = spec;
  }

  toJSON(): PoolFields {
    return { apiVersion: this.apiVersion, kind: this.kind, metadata: this.metadata, spec: this.spec };
  }

  /** Throws an Error that names every fault. */
  validate(): void {
    poolSchema.parse(this.toJSON());
  }
}

/** The server's pods, among which an endpoint picker chooses by what they report of themselves. */
export function inferencePool(choices: Choices): InferencePool {
  const { service, port } = choices.endpointPicker;
  return new InferencePool({
    metadata: { name: choices.name },
    spec: {
      selector: { matchLabels: podLabels(choices) },
      targetPorts: [{ number: choices.port }],
      // Without its picker the gateway still sends requests somewhere.
      endpointPickerRef: { name: service, port: { number: port }, failureMode: "FailOpen" },
    },
  });
}

/** Leads the gateway's requests to the pool, and waits as long as the longest answer takes. */
export function route({ name, gateway, longestAnswer }: Choices): HTTPRoute {
  return new HTTPRoute({
    metadata: { name },
    spec: {
      parentRefs: [{ name: gateway }],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          backendRefs: [{ group: GROUP, kind: "InferencePool", name }],
          timeouts: { request: `${longestAnswer}s` },
        },
      ],
    },
  });
}
