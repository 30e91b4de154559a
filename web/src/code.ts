/** @file The same request as code: curl, TypeScript and Python. */
import { toMessages, toSampling } from "./request.ts";
import type { AskSettings, Turn } from "./types.ts";

/** Languages in which a request can be copied. */
export const CODE_LANGUAGES = { curl: "curl", typescript: "TypeScript", python: "Python" } as const;
export type CodeLanguage = keyof typeof CODE_LANGUAGES;

/** Where the server is and what it is called there. */
export interface CodeTarget {
  origin: string;
  model: string;
  needsKey: boolean;
}

/** Stands for a picture; each language fills it in its own way. */
const PLACE = (index: number) => `@@picture-${index}@@`;

/**
 * A program that sends the request. Pictures are read from files `picture-1.jpg`, … beside it.
 *
 * @example const text = await toCode("python", turns, settings, { origin, model, needsKey: false });
 */
export async function toCode(
  language: CodeLanguage,
  turns: Turn[],
  settings: AskSettings,
  target: CodeTarget,
): Promise<string> {
  let pictures = 0;
  const messages = await toMessages(turns, settings.system, () => PLACE(++pictures));
  const body = { model: target.model, messages, ...toSampling(settings) };
  if (language === "curl") return curl(body, pictures, target);
  return language === "typescript" ? typescript(body, pictures, target) : python(body, pictures, target);
}

function curl(body: object, pictures: number, { origin, needsKey }: CodeTarget): string {
  // The body is a here-document, so quotes need no care; only the pictures are filled in by the shell.
  const text = JSON.stringify(body, null, 2)
    .replace(/[\\$`]/g, "\\$&")
    .replace(/@@(picture-\d+)@@/g, "data:image/jpeg;base64,$(base64 < $1.jpg | tr -d '\\n')");
  const key = needsKey ? ' \\\n  -H "Authorization: Bearer $API_KEY"' : "";
  const note = pictures > 0 ? "# picture-1.jpg … are your pictures\n" : "";
  return `${note}curl ${origin}/v1/chat/completions \\\n  -H "Content-Type: application/json"${key} \\\n  --data-binary @- <<EOF\n${text}\nEOF\n`;
}

function typescript(body: object, pictures: number, { origin, needsKey }: CodeTarget): string {
  const text = JSON.stringify(body, null, 2).replace(/"@@picture-(\d+)@@"/g, 'picture("picture-$1.jpg")');
  const lines = ['import OpenAI from "openai";'];
  if (pictures > 0) {
    lines.push(
      'import { readFileSync } from "node:fs";',
      "",
      'const picture = (path: string) => "data:image/jpeg;base64," + readFileSync(path, "base64");',
    );
  }
  lines.push(
    "",
    `const client = new OpenAI({ baseURL: "${origin}/v1", apiKey: ${needsKey ? "process.env.API_KEY" : '"none"'} });`,
    `const answer = await client.chat.completions.create(${text});`,
    "console.log(answer.choices[0]?.message.content);",
    "",
  );
  return lines.join("\n");
}

function python(body: object, pictures: number, { origin, needsKey }: CodeTarget): string {
  const args = Object.entries(body)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `    ${name}=${pythonValue(value, 1)},`);
  const lines =
    pictures > 0
      ? [
          "import base64",
          "import os",
          "from openai import OpenAI",
          "",
          "",
          "def picture(path):",
          '    with open(path, "rb") as file:',
          '        return "data:image/jpeg;base64," + base64.b64encode(file.read()).decode()',
          "",
        ]
      : ["import os", "from openai import OpenAI"];
  if (!needsKey) lines.splice(lines.indexOf("import os"), 1);
  lines.push(
    "",
    `client = OpenAI(base_url="${origin}/v1", api_key=${needsKey ? 'os.environ["API_KEY"]' : '"none"'})`,
    "answer = client.chat.completions.create(",
    ...args,
    ")",
    "print(answer.choices[0].message.content)",
    "",
  );
  return lines.join("\n");
}

function pythonValue(value: unknown, depth: number): string {
  const pad = "    ".repeat(depth + 1);
  const end = "    ".repeat(depth);
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") {
    const place = /^@@picture-(\d+)@@$/.exec(value);
    return place ? `picture("picture-${place[1]}.jpg")` : JSON.stringify(value);
  }
  if (Array.isArray(value))
    return `[\n${value.map((item) => `${pad}${pythonValue(item, depth + 1)},\n`).join("")}${end}]`;
  if (typeof value === "object") {
    const items = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{\n${items.map(([name, item]) => `${pad}${JSON.stringify(name)}: ${pythonValue(item, depth + 1)},\n`).join("")}${end}}`;
  }
  return String(value);
}
