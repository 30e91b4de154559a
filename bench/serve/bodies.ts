/** @file Requests with pictures for the load tool. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

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
  const pictures = readdirSync(folder).filter((name) => extname(name).toLowerCase() in TYPES);
  if (pictures.length === 0) throw new Error(`${folder} has no .jpg, .png or .webp pictures.`);
  return QUESTIONS.flatMap((text) =>
    pictures.map((name) => {
      const url = `data:image/${TYPES[extname(name).toLowerCase()]};base64,${readFileSync(join(folder, name), "base64")}`;
      return {
        messages: [
          {
            role: "user",
            content: [
              { type: "image_url", image_url: { url } },
              { type: "text", text },
            ],
          },
        ],
        max_completion_tokens: maxTokens,
      };
    }),
  );
}
