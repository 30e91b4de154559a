/** @file MMBench in English and Chinese, versions 1.0 and 1.1 (arXiv 2307.06281). */
import { circularSet } from "./choice.ts";
import { dataUrl } from "./urls.ts";

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
