/** @file More pods when requests wait, by KEDA: what a CPU does says little, since one answer already fills its cores. */
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import type { Choices } from "../choices.ts";

/** Scales on the requests that wait for a slot, as an average over the pods. */
export function scaledObject({ name, replicas, waitingPerPod, prometheus, longestAnswer }: Choices): ScaledObject {
  return new ScaledObject({
    metadata: { name },
    spec: {
      scaleTargetRef: { name },
      minReplicaCount: replicas.least,
      maxReplicaCount: replicas.most,
      pollingInterval: 15,
      // A pod that leaves may still be writing its longest answer.
      advanced: {
        horizontalPodAutoscalerConfig: { behavior: { scaleDown: { stabilizationWindowSeconds: longestAnswer } } },
      },
      triggers: [
        {
          type: "prometheus",
          metricType: "AverageValue",
          metadata: {
            serverAddress: prometheus,
            query: `sum(vllm:num_requests_waiting{model_name="${name}"})`,
            threshold: String(waitingPerPod),
          },
        },
      ],
    },
  });
}
