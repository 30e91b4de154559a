/** @file Runs one generating request: reads its body, then answers with one JSON object or with a stream of events. */
import type { Context } from "hono";
import type { ServeContext, ServeEnv } from "./context.ts";
import { ApiError, toApiError } from "./errors.ts";
import { type Job, type RawEvent, runJob } from "./generation.ts";
import { type JobEvent, splitEvents } from "./job-events.ts";
import { HEADER_PATIENCE_MS } from "./limits.ts";
import { openScope, type RequestScope } from "./request-scope.ts";
import { type SseEvent, sseResponse } from "./sse.ts";

/** How one API turns a job into its own answer. */
export interface AnswerFormat {
  job: Job;
  /** Leaves the model's working in the answer's text. */
  raw?: boolean;
  complete(source: AsyncIterable<JobEvent>): Promise<object>;
  /** Set when the client asked for a stream. */
  stream?: {
    events(source: AsyncIterable<JobEvent>): AsyncGenerator<SseEvent>;
    /** The event by which an error travels inside a stream. */
    failed(error: ApiError): SseEvent;
    /** One JSON object per line instead of events. */
    lines?: boolean;
  };
}

/**
 * Answers a POST whose body `read` turns into a job. Errors before the first event keep their own status, also for
 * streams, unless that event takes longer than {@link HEADER_PATIENCE_MS}.
 *
 * @example app.post("/v1/chat/completions", (c) => answerRequest(c, context, (body) => format(body)));
 */
export async function answerRequest(
  c: Context<ServeEnv>,
  context: ServeContext,
  read: (body: unknown) => AnswerFormat,
): Promise<Response> {
  if (context.queue.isFull()) {
    await context.bodies.discard(c.req.raw).catch(() => {});
    throw context.queue.fullError();
  }
  const scope = openScope(c, context);
  try {
    const body = await context.bodies.readJson(c.req.raw);
    scope.onEnd(body.free);
    const format = read(body.json);
    const { job } = format;
    const { tools, toolChoice } = job.options;
    if (!format.raw && splitsReasoning(context))
      job.options.reasonFirst ??= context.settings.reasonFirst || context.model().card?.reasonFirst;
    else if (job.options.reasonFirst) throw unsplitReasoning();
    const raw = withText(runJob(context, job, scope), job, c, context);
    const source = splitEvents(raw, {
      reasoning: !format.raw && splitsReasoning(context),
      tools: toolChoice === "none" ? [] : tools?.map(({ name }) => name),
    });
    if (format.stream) return await streamAnswer(c, context, scope, format.stream, source);
    const answer = await format.complete(source);
    scope.end();
    return c.json(answer);
  } catch (error) {
    scope.end();
    throw error;
  }
}

async function streamAnswer(
  c: Context<ServeEnv>,
  context: ServeContext,
  scope: RequestScope,
  { events, failed, lines }: NonNullable<AnswerFormat["stream"]>,
  source: AsyncIterable<JobEvent>,
): Promise<Response> {
  const stream = events(source);
  const first = stream.next();
  await Promise.race([first, patience(scope)]);
  const all = async function* (): AsyncGenerator<SseEvent> {
    try {
      const head = await first;
      if (!head.done) yield head.value;
      yield* stream;
    } catch (error) {
      const failure = toApiError(error);
      const log = c.get("log");
      if (failure.status >= 500) log.error({ err: failure.cause ?? failure }, "stream broke off");
      else log.info({ code: failure.code }, "stream ended early");
      yield failed(failure);
    } finally {
      scope.end();
    }
  };
  return sseResponse(all(), {
    stallSeconds: context.settings.stallTimeout,
    lines,
    onGone(reason) {
      scope.abort(reason);
      c.env.outgoing?.destroy();
    },
  });
}

function patience(scope: RequestScope): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, HEADER_PATIENCE_MS);
    scope.onEnd(() => clearTimeout(timer));
  });
}

/** Whether the model's working is told apart: unless the settings or the model's own folder say otherwise. */
function splitsReasoning(context: ServeContext): boolean {
  const { reasoning } = context.settings;
  return reasoning === "on" || (reasoning === "auto" && context.model().card?.reasoning !== false);
}

/** Working that is not told apart would stand before the JSON that the client reads. */
const unsplitReasoning = () =>
  new ApiError(400, "reason_first needs the model's working told apart; this request or server asks for it raw.", {
    param: "reason_first",
    code: "invalid_value",
  });

/** Logs prompt and answers where the settings ask for it; pictures are logged as their place only. */
async function* withText(
  source: AsyncIterable<RawEvent>,
  job: Job,
  c: Context<ServeEnv>,
  context: ServeContext,
): AsyncGenerator<RawEvent> {
  const { logPrompts } = context.settings;
  if (logPrompts) {
    const text = (content: Job["messages"][number]["content"]) =>
      typeof content === "string"
        ? content
        : content.map((part) => (part.type === "text" ? part.text : `[${part.param}]`));
    c.get("log").info(
      { prompt: job.messages.map(({ role, content }) => ({ role, content: text(content) })) },
      "prompt",
    );
  }
  for await (const event of source) {
    if (logPrompts && event.type === "end")
      c.get("log").info({ choice: event.choice, answer: event.result.text }, "answer");
    yield event;
  }
}
