import { expect, it } from "vitest";
import { CheckpointError, HubError } from "../hub/index.ts";
import { InputError } from "../processor/index.ts";
import { ExitCode } from "./exit-code.ts";
import { describeError, exitCodeOf, Interrupted, UsageError } from "./fail.ts";

it("errors of the rooms have the exit code of their kind", () => {
  const cases: [unknown, number][] = [
    [new UsageError("x"), ExitCode.usage],
    [new Interrupted(), ExitCode.interrupted],
    [new HubError("bad-name", "x"), ExitCode.usage],
    [new HubError("not-found", "x"), ExitCode.notFound],
    [new HubError("gated", "x"), ExitCode.noAccess],
    [new HubError("unauthorized", "x"), ExitCode.noAccess],
    [new HubError("offline", "x"), ExitCode.network],
    [new HubError("network", "x"), ExitCode.network],
    [new HubError("corrupt", "x"), ExitCode.network],
    [new HubError("disk-full", "x"), ExitCode.diskFull],
    [new CheckpointError("file", "x"), ExitCode.badInput],
    [new InputError("invalid", "x"), ExitCode.badInput],
    [new InputError("not-found", "x"), ExitCode.notFound],
    [Object.assign(new Error("x"), { code: "ENOSPC" }), ExitCode.diskFull],
    [Object.assign(new Error("x"), { code: "EACCES" }), ExitCode.noAccess],
    [Object.assign(new Error("x"), { code: "EISDIR" }), ExitCode.badInput],
    [Object.assign(new Error("x"), { code: "no-device" }), ExitCode.usage],
    [new Error("x"), ExitCode.internal],
    [Object.assign(new Error("x"), { name: "toString", code: "constructor" }), ExitCode.internal],
    ["text", ExitCode.internal],
    [undefined, ExitCode.internal],
  ];
  for (const [error, code] of cases) expect(exitCodeOf(error), String(error)).toBe(code);
});

it("an error is its message; where it comes from is shown on request", () => {
  const error = new HubError("network", "no answer", { cause: new Error("cut") });
  expect(describeError(error, { debug: false, json: false })).toBe("flashvl: no answer\n");
  expect(describeError(error, { debug: true, json: false })).toMatch(
    /HubError: no answer\n.*fail\.test\.ts[\s\S]*caused by: Error: cut/,
  );
  expect(JSON.parse(describeError(error, { debug: false, json: true }))).toEqual({
    error: { message: "no answer", code: "network" },
  });
  expect(describeError(new Interrupted(), { debug: false, json: false })).toBe("");
});
