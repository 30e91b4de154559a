/** @file Opens the tiny checkpoint for tests, compiled into a folder that goes away with the test file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { FlashVL, type OpenOptions } from "../../../src/node/index.ts";
import { GOLDEN, type GoldenCase } from "./golden.ts";

/** A temporary folder, removed after the test that asks for it, or outside of tests after the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "flashvl-engine-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    onTestFinished(remove);
  } catch {
    afterAll(remove);
  }
  return folder;
}

/** Opens tiny models that share one compile cache; all are disposed after the test file. */
export function tinyModels(): (options?: OpenOptions) => Promise<FlashVL> {
  const cacheDir = temporaryFolder();
  const opened: FlashVL[] = [];
  afterAll(async () => {
    await Promise.all(opened.map((model) => model.dispose()));
  });
  return async (options = {}) => {
    const model = await FlashVL.fromPretrained(GOLDEN, { cacheDir, threads: 1, ...options });
    opened.push(model);
    return model;
  };
}

/** Path of a case's picture. */
export const pictureOf = ({ image }: Pick<GoldenCase, "image">): string | null =>
  image === null ? null : join(GOLDEN, "images", image);
