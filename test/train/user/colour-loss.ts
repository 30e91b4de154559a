// A user's auxiliary loss: a linear head names the colour from the mean of what the tower sees.

import { input, linear, logProbOf, mul, neg, reduceMean, reduceSum, weight } from "flashvl/graph";
import type { OpenAuxiliaryLoss } from "flashvl/train";
import { z } from "zod";

const options = z.strictObject({ classes: z.number().int().min(2), name: z.string().default("colour") });
const WEIGHT = "colour.weight";
const BIAS = "colour.bias";

const open: OpenAuxiliaryLoss = (given, { config, shape }) => {
  const { classes, name } = options.parse(given);
  return {
    name,
    parameters: [
      { name: WEIGHT, shape: [classes, config.vision.hiddenSize], role: "matrix" },
      { name: BIAS, shape: [classes], role: "bias" },
    ],
    term({ patches }) {
      const targets = input("colour_targets", "int64", [shape.images]);
      const weights = input("colour_weights", "float32", [shape.images]);
      const [w, b] = [
        weight(WEIGHT, "float32", [classes, config.vision.hiddenSize]),
        weight(BIAS, "float32", [classes]),
      ];
      const seen = reduceMean(patches, [1]); // [images, vision hidden]
      return neg(reduceSum(mul(logProbOf(linear(seen, w, b), targets), weights), [0]));
    },
    fill(inputs, batch, total) {
      const targets = (inputs.get("colour_targets")!.data as BigInt64Array).fill(0n);
      const weights = (inputs.get("colour_weights")!.data as Float32Array).fill(0);
      const colours = batch.rows.flat().map((sample) => sample.extras!.colour as number);
      colours.forEach((colour, i) => {
        targets[i] = BigInt(colour);
        weights[i] = total / colours.length;
      });
    },
  };
};
export default open;
