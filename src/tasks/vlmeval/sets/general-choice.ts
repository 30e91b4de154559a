/** @file Plain multiple-choice sets: MMStar, AI2D, RealWorldQA, SEEDBench. */
import { choiceSet } from "./choice.ts";
import { dataUrl } from "./urls.ts";

export const generalChoiceSets = [
  choiceSet({
    name: "MMStar",
    url: dataUrl("VLMEval/MMStar.tsv"),
    md5: "e1ecd2140806c1b1bbf54b43372efb9e",
    rows: 1500,
  }),
  choiceSet({
    name: "AI2D_TEST",
    url: dataUrl("VLMEval/AI2D_TEST.tsv"),
    md5: "0f593e0d1c7df9a3d69bf1f947e71975",
    rows: 3088,
  }),
  choiceSet({
    name: "AI2D_TEST_NO_MASK",
    url: dataUrl("VLMEval/AI2D_TEST_NO_MASK.tsv"),
    md5: "fd8f463634d4fe9fbd23b876e8eea5be",
    rows: 3088,
  }),
  choiceSet({
    name: "RealWorldQA",
    url: dataUrl("VLMEval/RealWorldQA.tsv"),
    md5: "4de008f55dc4fd008ca9e15321dc44b7",
    rows: 765,
  }),
  choiceSet({
    name: "SEEDBench_IMG",
    url: dataUrl("benchmarks/SEEDBench/SEEDBench_IMG.tsv"),
    md5: "68017231464752261a2526d6ca3a10c0",
    rows: 14232,
  }),
];
