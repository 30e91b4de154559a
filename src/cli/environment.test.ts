import type { Command } from "commander";
import { afterEach, expect, it, vi } from "vitest";
import { CommandWithTwins, environmentTwin } from "./environment.ts";
import { buildProgram } from "./program.ts";

afterEach(() => void vi.unstubAllEnvs());

const parse = (argv: string[], env: Record<string, string>) => {
  vi.unstubAllEnvs();
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const command = new CommandWithTwins()
    .exitOverride()
    .option("--max-new-tokens <n>")
    .option("--json")
    .option("--no-image");
  return command.parse(argv, { from: "user" }).opts();
};

it("every flag of every command has a twin", () => {
  const walked: string[] = [];
  const walk = (command: Command, path: string) => {
    walked.push(path);
    for (const option of command.options)
      expect(option.envVar, `${path} ${option.long}`).toBe(environmentTwin(option.long!));
    for (const inner of command.commands) walk(inner, `${path} ${inner.name()}`);
  };
  for (const command of buildProgram().commands) walk(command, command.name());
  expect(walked).toEqual(expect.arrayContaining(["chat", "train sft", "eval compare"]));
});

it("a twin is used, and a flag wins over it", () => {
  expect(parse([], { FLASHVL_MAX_NEW_TOKENS: "7" })).toMatchObject({ maxNewTokens: "7" });
  expect(parse(["--max-new-tokens", "9"], { FLASHVL_MAX_NEW_TOKENS: "7" })).toMatchObject({ maxNewTokens: "9" });
  expect(parse([], { FLASHVL_MAX_NEW_TOKENS: "" }).maxNewTokens).toBeUndefined();
});

it("a switch is off for the usual spellings of no and for nothing at all", () => {
  for (const off of ["", "0", "false", "No", "off"]) expect(parse([], { FLASHVL_JSON: off }).json, off).toBeUndefined();
  for (const on of ["1", "true", "yes"]) expect(parse([], { FLASHVL_JSON: on }).json, on).toBe(true);
  expect(parse([], { FLASHVL_NO_IMAGE: "1" }).image).toBe(false);
  expect(parse([], { FLASHVL_NO_IMAGE: "0" }).image).toBe(true);
});
