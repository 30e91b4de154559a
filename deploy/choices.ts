/** @file What one deployment of the server is: names, sizes and times. All manifests are functions of this. */

/** Choices that the manifests are made from. */
export interface Choices {
  /** Name of all objects, and the label that selects the server's pods. */
  name: string;
  /** Image that `deploy/Containerfile` builds. */
  image: string;
  /** Model: org/name[@revision] on the hub, or a folder in the volume. */
  model: string;
  /** Port of the server. */
  port: number;
  /** Requests that run at once in one pod; further ones wait. */
  parallel: number;
  /** Longest time from a request's arrival to its last token, in seconds. */
  longestAnswer: number;
  /** Time in which all proxies hear that a pod is leaving, in seconds. It answers as before until then. */
  noticeTime: number;
  replicas: { least: number; most: number };
  /** Waiting requests per pod above which a pod is added. */
  waitingPerPod: number;
  /** Whole cores, which are also the threads of an operator; memory as Kubernetes writes it. */
  resources: { cores: number; memory: string; memoryLimit: string };
  /** Volume for models and compiled graphs, which all pods share. */
  storage: string;
  /** Namespaces, besides the pods' own, from which the server is reached: gateway and Prometheus. */
  clientNamespaces: string[];
  /** Where KEDA reads metrics. */
  prometheus: string;
  /** The Gateway that the route belongs to. */
  gateway: string;
  /** Service and port of the endpoint picker. */
  endpointPicker: { service: string; port: number };
}

/** The choices behind the YAML in this folder. */
export const defaults: Choices = {
  name: "flashvl",
  image: "flashvl:0.1.0",
  model: "OpenGVLab/InternVL3-1B",
  port: 8000,
  parallel: 4,
  longestAnswer: 300,
  noticeTime: 10,
  replicas: { least: 2, most: 8 },
  waitingPerPod: 2,
  resources: { cores: 4, memory: "3Gi", memoryLimit: "6Gi" },
  storage: "20Gi",
  clientNamespaces: ["gateway", "monitoring"],
  prometheus: "http://prometheus-operated.monitoring.svc:9090",
  gateway: "inference-gateway",
  endpointPicker: { service: "flashvl-epp", port: 9002 },
};

/** Labels that select the server's pods, and nothing else. */
export const podLabels = ({ name }: Choices) => ({ "app.kubernetes.io/name": name });
