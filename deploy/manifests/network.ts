/** @file How pods are reached and kept: services, who may connect, and how many may be taken away at once. */
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Service } from "kubernetes-models/v1/Service";
import { type Choices, podLabels } from "../choices.ts";

/** One address for all pods. */
export function service(choices: Choices): Service {
  return new Service({
    metadata: { name: choices.name, labels: podLabels(choices) },
    spec: { selector: podLabels(choices), ports: [{ name: "http", port: choices.port, targetPort: "http" }] },
  });
}

/** The addresses of the pods themselves, for a proxy that chooses among them by picture. */
export function podsService(choices: Choices): Service {
  return new Service({
    metadata: { name: `${choices.name}-pods`, labels: podLabels(choices) },
    spec: {
      clusterIP: "None",
      selector: podLabels(choices),
      ports: [{ name: "http", port: choices.port, targetPort: "http" }],
    },
  });
}

/** Nodes are emptied one pod at a time. */
export function disruptionBudget(choices: Choices): PodDisruptionBudget {
  return new PodDisruptionBudget({
    metadata: { name: choices.name },
    spec: { maxUnavailable: 1, selector: { matchLabels: podLabels(choices) } },
  });
}

/** Addresses inside a cluster or a cloud, its metadata service among them; a model hub has none of these. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"];

/** In: the port, from this namespace and those named. Out: names, and HTTPS to public addresses, where models come from. */
export function networkPolicy(choices: Choices): NetworkPolicy {
  const named = { key: "kubernetes.io/metadata.name", operator: "In", values: choices.clientNamespaces };
  return new NetworkPolicy({
    metadata: { name: choices.name },
    spec: {
      podSelector: { matchLabels: podLabels(choices) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [{ podSelector: {} }, { namespaceSelector: { matchExpressions: [named] } }],
          ports: [{ port: choices.port, protocol: "TCP" }],
        },
      ],
      egress: [
        {
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
        { to: [{ ipBlock: { cidr: "0.0.0.0/0", except: PRIVATE } }], ports: [{ port: 443, protocol: "TCP" }] },
      ],
    },
  });
}
