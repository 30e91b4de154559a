/** @file `npm run bench:serve -- --url … --clients 8`: loads a server and prints what it bore. */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { pictureBodies } from "./bodies.ts";
import { runLoad } from "./load.ts";
import { plotLoad } from "./plot.ts";
import { summarise, summaryText } from "./summary.ts";

const HELP = `Loads a flashvl server with questions about pictures.

  --url URL        the server (default http://127.0.0.1:8000)
  --key KEY        its API key
  --clients N      requests under way at once (default 4)
  --rate R         requests per second, arriving at random; without it each client sends at once
  --seconds S      how long (default 30)
  --cancel SHARE   share of requests that leave after a few tokens (default 0)
  --max-tokens N   longest answer (default 32)
  --pictures DIR   pictures to ask about (default test/golden/static-tiny/images)
  --seed N         of arrivals and cancellations (default 1)
  --plot FILE      also draw the load as SVG
  --json FILE      also write every sample as JSON`;

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8000" },
    key: { type: "string" },
    clients: { type: "string", default: "4" },
    rate: { type: "string" },
    seconds: { type: "string", default: "30" },
    cancel: { type: "string", default: "0" },
    "max-tokens": { type: "string", default: "32" },
    pictures: { type: "string", default: "test/golden/static-tiny/images" },
    seed: { type: "string", default: "1" },
    plot: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const number = (name: "clients" | "rate" | "seconds" | "cancel" | "max-tokens" | "seed"): number => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < 0)
      throw new Error(`--${name} is ${values[name]}; expected a number from 0 up.`);
    return value;
  };
  const plan = {
    url: values.url.replace(/\/$/, ""),
    key: values.key,
    clients: Math.max(1, number("clients")),
    rate: values.rate === undefined ? undefined : number("rate"),
    seconds: number("seconds"),
    cancel: number("cancel"),
    seed: number("seed"),
    bodies: pictureBodies(values.pictures, number("max-tokens")),
  };
  const result = await runLoad(plan);
  const load = `${plan.clients} clients${plan.rate === undefined ? "" : ` at ${plan.rate}/s`}, answers of up to ${values["max-tokens"]} tokens`;
  console.log(`${load}; load generator on ${cpus()[0]?.model.trim() ?? "unknown"} × ${cpus().length}`);
  console.log(summaryText(summarise(result)));
  if (values.plot) await writeFile(values.plot, await plotLoad(result, load));
  if (values.json)
    await writeFile(
      values.json,
      JSON.stringify({ plan: { ...plan, key: undefined, bodies: plan.bodies.length }, ...result }),
    );
}
