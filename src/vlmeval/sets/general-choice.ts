/** @file Plain multiple-choice sets (MMStar, AI2D, RealWorldQA, SEEDBench), and circular ones: MMBench in English and Chinese, versions 1.0 and 1.1 (arXiv 2307.06281). */
import { choiceSet, circularSet } from "./choice.ts";
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

const MD5: Record<string, string> = {
  MMBench_DEV_EN: "b6caf1133a01c6bb705cf753bb527ed8",
  MMBench_TEST_EN: "6939fadb0ce626fefc0bdc9c64efc528",
  MMBench_DEV_CN: "08b8fc3324a5ed74155350f57be69fbd",
  MMBench_TEST_CN: "7e1239baf0ee4c8b513e19705a0f317e",
  MMBench_DEV_EN_V11: "30c05be8f2f347a50be25aa067248184",
  MMBench_TEST_EN_V11: "8d1a704e791df6f5d9fb3ef782b65365",
  MMBench_DEV_CN_V11: "593f9b5f6bea453d870a798b34ae4f37",
  MMBench_TEST_CN_V11: "156e6569f9547afb16603eca16e85373",
  MMBench_V11: "b9276414f57af1308dcc4d0cd9b42e7c",
  MMBench_CN_V11: "95f6980dd1b4de38e3cbffe0305a3f25",
  MMBench: "4115aea3383f3dd0083be6a633e0f820",
  MMBench_CN: "2e053ffc90ea598b1feae13c36dc13ee",
};

export const mmbenchSets = Object.entries(MD5).map(([name, md5]) =>
  circularSet({ name, md5, url: dataUrl(`benchmarks/MMBench/${name}.tsv`) }),
);
