/** @file `npm run bench:serve`: loads a server, its own or a running one, and prints what it bore. */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeSection } from "../results-section.ts";
import { mixedBodies, pictureBodies } from "./bodies.ts";
import { hostileLoad, hostileText } from "./hostile.ts";
import { type LoadPlan, type LoadResult, runLoad } from "./load.ts";
import { type OwnServer, startOwnServer } from "./own-server.ts";
import { plotLoad } from "./plot.ts";
import { type LoadRow, loadSection, soakSection } from "./report.ts";
import { soak } from "./soak.ts";
import { summarise, summaryText } from "./summary.ts";

const HELP = `Loads a flashvl server with questions about pictures.

  --url URL        a running server; without it one is started for the load
  --model NAME     model of the server that is started (default: the one that ships with the package)
  --key KEY        the server's API key
  --clients N,M    requests under way at once; one load for each number (default 1,4,16; soak: 12)
  --rate R         requests per second, arriving at random; without it each client asks again at once
  --seconds S      how long each load lasts (default 30; soak: 1800)
  --cancel SHARE   share of requests that leave after a few tokens (default 0; soak: 0.3)
  --max-tokens N   longest answer (default 32)
  --pictures DIR   pictures to ask about (default test/golden/static-tiny/images)
  --seed N         of arrivals and cancellations (default 1)
  --soak           saturation with clients that leave at random; ends with code 1 when a demand is not met
  --hostile        also sends hostile input, each kind for --seconds (default 10), and times /health meanwhile;
                   ends with code 1 when its p99 is over 20 ms
  --plot FILE      also draw the load as SVG (the last one, if there are several)
  --json FILE      also write every sample as JSON
  --write          write the figures and the plot to bench/
  --remark TEXT    circumstances that belong beside the figures, for example what else ran on the machine`;

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    model: { type: "string", default: fileURLToPath(new URL("../../models/flashvl-tiny", import.meta.url)) },
    key: { type: "string" },
    clients: { type: "string" },
    rate: { type: "string" },
    seconds: { type: "string" },
    cancel: { type: "string" },
    "max-tokens": { type: "string", default: "32" },
    pictures: {
      type: "string",
      default: fileURLToPath(new URL("../../test/golden/static-tiny/images", import.meta.url)),
    },
    seed: { type: "string", default: "1" },
    soak: { type: "boolean", default: false },
    hostile: { type: "boolean", default: false },
    plot: { type: "string" },
    json: { type: "string" },
    write: { type: "boolean", default: false },
    remark: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** The server of a soak has fewer places than clients come, so that it is always full. */
const SOAK_SERVER = ["--parallel", "4", "--max-queue", "4"];
const SOAK_BODIES = 300;

/** What /health may take at most in 99 of 100 cases. */
const HEALTH_MS = 20;

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const { url, model, write, remark } = values;
  const own = url === undefined ? await startOwnServer([model, ...(values.soak ? SOAK_SERVER : [])]) : undefined;
  try {
    if (values.hostile) return await hostile(planFor(own));
    return values.soak ? await soakOnce(planFor(own), write, remark) : await loads(planFor(own), write, remark);
  } finally {
    await own?.stop();
  }
}

function planFor(own: OwnServer | undefined): Omit<LoadPlan, "bodies" | "clients"> {
  return {
    url: (own?.url ?? values.url!).replace(/\/$/, ""),
    key: values.key,
    rate: values.rate === undefined ? undefined : number("rate", values.rate),
    seconds: number("seconds", values.seconds ?? (values.soak ? "1800" : "30")),
    cancel: number("cancel", values.cancel ?? (values.soak ? "0.3" : "0")),
    seed: number("seed", values.seed),
  };
}

async function loads(base: ReturnType<typeof planFor>, write: boolean, remark?: string): Promise<number> {
  const bodies = pictureBodies(values.pictures, number("max-tokens", values["max-tokens"]));
  const rows: LoadRow[] = [];
  // Figures at a rate stand beside those of clients that ask at once, not in their place.
  const section = base.rate === undefined ? "serve" : "serve-rate";
  for (const text of (values.clients ?? "1,4,16").split(",")) {
    const clients = Math.max(1, number("clients", text));
    const result = await runLoad({ ...base, clients, bodies });
    const title = `${clients} clients${base.rate === undefined ? "" : ` at ${base.rate}/s`}, answers of up to ${values["max-tokens"]} tokens`;
    const summary = summarise(result);
    console.log(`${title}; load generator on ${cpus()[0]?.model.trim() ?? "unknown"} × ${cpus().length}`);
    console.log(`${summaryText(summary)}\n`);
    rows.push({ clients, summary });
    await keep(result, title, write ? section : undefined);
  }
  if (write)
    writeSection(
      section,
      loadSection(rows, `${modelName()}, answers of up to ${values["max-tokens"]} tokens`, remark, base.rate),
    );
  return 0;
}

async function hostile(base: ReturnType<typeof planFor>): Promise<number> {
  const bodies = pictureBodies(values.pictures, number("max-tokens", values["max-tokens"]));
  const clients = Math.max(1, number("clients", values.clients ?? "2"));
  const seconds = number("seconds", values.seconds ?? "10");
  const { rows, result } = await hostileLoad({ ...base, clients, seconds, bodies });
  console.log(`${summaryText(summarise(result))}\n\n${hostileText(rows)}`);
  return rows.every(({ health }) => health.p99 <= HEALTH_MS) ? 0 : 1;
}

async function soakOnce(base: ReturnType<typeof planFor>, write: boolean, remark?: string): Promise<number> {
  const bodies = await mixedBodies(values.pictures, number("max-tokens", values["max-tokens"]), SOAK_BODIES);
  const clients = Math.max(1, number("clients", values.clients ?? "12"));
  const report = await soak({ ...base, clients, bodies });
  const share = Math.round((base.cancel ?? 0) * 100);
  const what = `${modelName()}, ${clients} clients on 4 slots and a queue of 4, ${share} % of requests leave after a few tokens`;
  console.log(
    `${summaryText(summarise(report.result))}\ndemands not met         ${report.faults.join("; ") || "none"}`,
  );
  await keep(report.result, what, write ? "serve-soak" : undefined);
  if (write) writeSection("serve-soak", soakSection(report, what, remark));
  return report.faults.length === 0 ? 0 : 1;
}

async function keep(result: LoadResult, title: string, section: string | undefined): Promise<void> {
  const plot = values.plot ?? (section && fileURLToPath(new URL(`../${section}.svg`, import.meta.url)));
  if (plot) await writeFile(plot, await plotLoad(result, title));
  if (values.json) await writeFile(values.json, JSON.stringify(result));
}

function modelName(): string {
  return values.url === undefined ? `${values.model.split("/").at(-1)}` : "A running server";
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} is ${text}; expected a number from 0 up.`);
  return value;
}
