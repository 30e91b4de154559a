/** @file A judge that gives the listed replies in turn and counts its calls. */
import { type Ask, type Reply, runProgram, type ScoreProgram } from "../../../src/vlmeval/score/program.ts";
import type { Json } from "./input.ts";

/** Run a score program with these replies; without a list there is no judge. After the last reply the judge is down. */
export async function withReplies<Result>(
  program: ScoreProgram<Result>,
  replies: Json | undefined,
): Promise<{ result: Result; calls: number }> {
  const list = Array.isArray(replies) ? (replies as string[]) : null;
  let calls = 0;
  const respond = (ask: Ask): Reply => {
    if (ask.kind === "equivalence") throw new Error("compatibility mode never asks for an equivalence");
    if (list === null) return null;
    return list[calls++] ?? "Failed to obtain answer via API.";
  };
  const result = await runProgram(program, respond);
  return { result, calls };
}
