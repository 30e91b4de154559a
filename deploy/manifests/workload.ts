/** @file The pods: the server, the model that is fetched before it starts, and the volume that holds the model. */

import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import type { IIoK8sApiCoreV1Container } from "kubernetes-models/v1/Container";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { type Choices, podLabels } from "../choices.ts";

/** The user that the image runs as; it owns nothing but the volume. */
const USER = 10_001;
/** A pod ends this long after its drain at the latest: the server's last words, and the end of its process. */
const LAST_SECONDS = 10;
const MODELS = "/models";

/** The volume for models and compiled graphs. Pods on several nodes write to it, under flashvl's own lock. */
export function modelVolume({ name, storage }: Choices): PersistentVolumeClaim {
  return new PersistentVolumeClaim({
    metadata: { name: `${name}-models` },
    spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage } } },
  });
}

/**
 * The server's pods. A pod that is asked to end still answers for `noticeTime` seconds, while proxies learn that it leaves, and
 * then has the time of the longest answer to finish what runs.
 */
export function deployment(choices: Choices): Deployment {
  const { name, replicas, noticeTime, longestAnswer, port } = choices;
  return new Deployment({
    metadata: { name, labels: podLabels(choices) },
    spec: {
      replicas: replicas.least,
      selector: { matchLabels: podLabels(choices) },
      // A new pod is ready before an old one leaves.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: podLabels(choices),
          annotations: {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": String(port),
            "prometheus.io/path": "/metrics",
          },
        },
        spec: {
          automountServiceAccountToken: false,
          // A service named flashvl would be announced as FLASHVL_PORT=tcp://…, which is a setting of the server.
          enableServiceLinks: false,
          terminationGracePeriodSeconds: noticeTime + longestAnswer + LAST_SECONDS,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: USER,
            runAsGroup: USER,
            fsGroup: USER,
            fsGroupChangePolicy: "OnRootMismatch",
            seccompProfile: { type: "RuntimeDefault" },
          },
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: podLabels(choices) },
            },
          ],
          initContainers: [fetchModel(choices)],
          containers: [server(choices)],
          volumes: [
            { name: "models", persistentVolumeClaim: { claimName: `${name}-models` } },
            { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
          ],
        },
      },
    },
  });
}

/** What both containers have in common. */
function container({ image, resources }: Choices): Omit<IIoK8sApiCoreV1Container, "name" | "env"> {
  const { cores, memory, memoryLimit } = resources;
  return {
    image,
    // No limit on cores: a throttled pod is late with every token, and requests divide the node's cores fairly.
    resources: { requests: { cpu: String(cores), memory }, limits: { memory: memoryLimit } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "models", mountPath: MODELS },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

const FOLDERS = [
  { name: "HF_HUB_CACHE", value: `${MODELS}/hub` },
  { name: "FLASHVL_CACHE", value: `${MODELS}/compiled` },
];

/** Downloads and compiles the model into the volume; where it is there already, this only looks. */
function fetchModel(choices: Choices): IIoK8sApiCoreV1Container {
  const token = { secretKeyRef: { name: `${choices.name}-hub`, key: "token", optional: true } };
  return {
    ...container(choices),
    name: "model",
    args: ["compile", choices.model],
    env: [...FOLDERS, { name: "HF_TOKEN", valueFrom: token }],
  };
}

function server(choices: Choices): IIoK8sApiCoreV1Container {
  const { name, model, port, parallel, longestAnswer, noticeTime, resources } = choices;
  const keys = { secretKeyRef: { name: `${name}-keys`, key: "keys", optional: true } };
  const flags = {
    host: "0.0.0.0",
    port,
    parallel,
    // A container sees all cores of its node.
    threads: resources.cores,
    "model-name": name,
    "request-timeout": longestAnswer,
    "drain-timeout": longestAnswer,
  };
  return {
    ...container(choices),
    name: "server",
    args: [
      "serve",
      model,
      "--offline",
      "--public-metrics",
      ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    ],
    env: [...FOLDERS, { name: "FLASHVL_API_KEY", valueFrom: keys }],
    ports: [{ name: "http", containerPort: port }],
    // The server listens at once and is ready when its model is loaded.
    startupProbe: { httpGet: { path: "/livez", port: "http" }, periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: {
      httpGet: { path: "/livez", port: "http" },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: {
      httpGet: { path: "/readyz", port: "http" },
      periodSeconds: 5,
      timeoutSeconds: 2,
      failureThreshold: 2,
    },
    lifecycle: { preStop: { exec: { command: ["sleep", String(noticeTime)] } } },
  };
}
