/** @file Requests with pictures for the load tool. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import sharp from "sharp";

const TYPES: Record<string, string> = { ".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp" };

const QUESTIONS = [
  "What is in this picture?",
  "Which colours do you see?",
  "Is there any text? Read it.",
  "Describe the upper left corner.",
];

/**
 * One body per picture and question, so that some requests find their picture or prompt in the server's caches and some do not.
 * Throws an Error when the folder has no pictures.
 *
 * @example const bodies = pictureBodies("test/golden/static-tiny/images", 32);
 */
export function pictureBodies(folder: string, maxTokens: number): object[] {
  const urls = picturesOf(folder).map(
    (name) => `data:image/${TYPES[extname(name).toLowerCase()]};base64,${readFileSync(join(folder, name), "base64")}`,
  );
  return QUESTIONS.flatMap((text) =>
    urls.map((url) => ({ messages: messages([url], text), max_completion_tokens: maxTokens })),
  );
}

/** Share of {@link mixedBodies} by kind: every n-th request. */
const EVERY = { text: 7, twoPictures: 5, schema: 4, chance: 2 };

/**
 * `count` bodies as unlike each other as those of many users: turned pictures, none or two of them, free text and JSON
 * schemas, greedy and drawn, short and long. The same folder and count give the same bodies.
 *
 * @example const bodies = await mixedBodies("test/golden/static-tiny/images", 48, 300);
 */
export async function mixedBodies(folder: string, maxTokens: number, count: number): Promise<object[]> {
  const names = picturesOf(folder);
  const picture = async (index: number) => {
    const file = sharp(join(folder, names[index % names.length]!));
    const turned = file.rotate((index * 7) % 360).jpeg({ quality: 85 });
    return `data:image/jpeg;base64,${(await turned.toBuffer()).toString("base64")}`;
  };
  const bodies: object[] = [];
  for (let index = 0; index < count; index += 1) {
    const is = (kind: keyof typeof EVERY) => index % EVERY[kind] === 0;
    const pictures = is("text") ? [] : [await picture(index), ...(is("twoPictures") ? [await picture(index + 1)] : [])];
    bodies.push({
      messages: messages(pictures, `${QUESTIONS[index % QUESTIONS.length]} (${index})`),
      max_completion_tokens: 1 + ((index * 13) % maxTokens),
      ...(is("chance") && { temperature: 1, seed: index }),
      ...(is("schema") && {
        response_format: { type: "json_schema", json_schema: { name: "answer", schema: SCHEMA } },
      }),
    });
  }
  return bodies;
}

const SCHEMA = {
  type: "object",
  properties: { seen: { type: "array", items: { enum: ["text", "fruit", "nothing"] }, maxItems: 3 } },
  required: ["seen"],
  additionalProperties: false,
};

function picturesOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => extname(name).toLowerCase() in TYPES);
  if (names.length === 0) throw new Error(`${folder} has no .jpg, .png or .webp pictures.`);
  return names;
}

function messages(urls: string[], text: string): object[] {
  const content = [...urls.map((url) => ({ type: "image_url", image_url: { url } })), { type: "text", text }];
  return [{ role: "user", content }];
}
