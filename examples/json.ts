/** @file What a picture shows as JSON that fits a schema: `npx tsx examples/json.ts [picture]`. */
import { FlashVL } from "flashvl";
import { z } from "zod";

const picture = process.argv[2] ?? new URL("board.png", import.meta.url).pathname;

const item = z.object({ name: z.string(), price: z.number(), row: z.number().int(), column: z.number().int() });
const items = z.array(item);

await using model = await FlashVL.fromPretrained();
// The answer is held to the schema while it is written, so it always parses, unless the limit of tokens ends it.
const text = await model.chat(
  picture,
  [{ role: "user", content: "List everything on the board as JSON with name, price, row and column." }],
  { schema: items, maxNewTokens: 512 },
);
console.table(items.parse(JSON.parse(text)));
