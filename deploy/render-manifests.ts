/** @file From choices to the text of all files: a base that every cluster takes, and components for what has to be installed first. */
import { stringify } from "yaml";
import { checkManifest, type Manifest } from "./check-manifest.ts";
import type { Choices } from "./choices.ts";
import { scaledObject } from "./manifests/autoscaling.ts";
import { inferencePool, route } from "./manifests/inference.ts";
import { disruptionBudget, networkPolicy, podsService, service } from "./manifests/network.ts";
import { deployment, modelVolume } from "./manifests/workload.ts";

const HEAD = "# Written by `npm run deploy:manifests`; change deploy/choices.ts or deploy/manifests instead.\n";

/** The manifests by folder and file. `base` needs nothing but Kubernetes; the others need the CRDs of what they are named for. */
export function manifestsOf(choices: Choices): Record<string, Record<string, Manifest>> {
  return {
    base: {
      deployment: deployment(choices),
      "model-volume": modelVolume(choices),
      service: service(choices),
      "pods-service": podsService(choices),
      "disruption-budget": disruptionBudget(choices),
      "network-policy": networkPolicy(choices),
    },
    keda: { "scaled-object": scaledObject(choices) },
    "inference-gateway": { "inference-pool": inferencePool(choices), route: route(choices) },
  };
}

/**
 * The files as `kubectl apply -k` reads them, by their path in this folder.
 *
 * @throws Error when a manifest does not pass its schema
 * @example const text = renderManifests(defaults).get("base/service.yaml");
 */
export function renderManifests(choices: Choices): Map<string, string> {
  const files = new Map<string, string>();
  for (const [folder, manifests] of Object.entries(manifestsOf(choices))) {
    for (const [file, manifest] of Object.entries(manifests)) {
      checkManifest(manifest);
      files.set(`${folder}/${file}.yaml`, HEAD + stringify(manifest.toJSON(), { aliasDuplicateObjects: false }));
    }
    files.set(`${folder}/kustomization.yaml`, HEAD + stringify(kustomization(folder, Object.keys(manifests))));
  }
  return files;
}

function kustomization(folder: string, names: string[]): object {
  const resources = names.map((name) => `${name}.yaml`);
  return folder === "base"
    ? { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources }
    : { apiVersion: "kustomize.config.k8s.io/v1alpha1", kind: "Component", resources };
}
