/** @file The lesson that goes on beside the conversations: the tower names what lies under each half patch, as in stage 0. */

import type { OpenAuxiliaryLoss } from "flashvl/train";
import { z } from "zod";
import { fillSeeLabels, seeLoss } from "../see/see-graph.ts";
import { loadSeeHead } from "../see/see-head.ts";
import { extrasOf } from "./extras.ts";

const keys = z.strictObject({
  /** Checkpoint folder of stage 0, or of a run that went on with its head. */
  head: z.string(),
  emptyWeight: z.number().positive().default(0.1),
});

const open: OpenAuxiliaryLoss = async (options, { config, resolve }) => {
  const { head: folder, emptyWeight } = keys.parse(options);
  const head = await loadSeeHead(resolve(folder), config);
  return {
    name: "see",
    parameters: head.parameters,
    initialize: (store) => head.fill(store),
    term: ({ patches }) => seeLoss(config, patches, head.classes).loss,
    fill(inputs, batch, total) {
      const labels = batch.rows
        .flat()
        .flatMap((sample) => sample.pictures.map((_, i) => extrasOf(sample).views?.[i]?.patchLabels));
      fillSeeLabels(inputs, labels, emptyWeight, total);
    },
  };
};
export default open;
