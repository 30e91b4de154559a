/** @file Puts a question as people do who have not read the manual: with words around it, typos, no question mark, in capitals, in two languages. */

import { kinds } from "../kinds.ts";
import type { Random } from "../random.ts";
import type { Language } from "../words.ts";

const openings: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "Hi, can you tell me: ",
    "Hello! ",
    "hey ",
    "Please tell me, ",
    "Quick question: ",
    "Excuse me, ",
    "I was wondering, ",
    "Could you help me? ",
    "Look at this picture. ",
    "ok so ",
    "Do you know ",
    "I can't read this very well. ",
    "My eyes are bad, ",
    "Please answer: ",
    "Question: ",
    "Here is a photo I took. ",
    "Take a look and tell me ",
    "Be so kind, ",
  ],
  zh: [
    "你好,",
    "您好!",
    "请问",
    "请问一下,",
    "麻烦看一下,",
    "帮我看看,",
    "嗨,",
    "问一下,",
    "我想知道,",
    "老板,",
    "看看这张图,",
    "我看不清,",
    "那个,",
    "能不能告诉我,",
    "这是我拍的照片。",
    "问题:",
    "不好意思,",
    "劳驾,",
  ],
};
const closings: Readonly<Record<Language, readonly string[]>> = {
  en: [
    " Thanks!",
    " thanks",
    " Thank you.",
    " please",
    " pls",
    " I'm in a hurry.",
    " (sorry for asking)",
    " Thanks a lot!",
  ],
  zh: [",谢谢", "谢谢!", "呀", "呢", ",急", ",麻烦了", "啊", " 谢谢你"],
};
/** Characters that are typed wrongly because they sound alike. */
const soundAlike: readonly (readonly [string, string])[] = [
  ["哪", "那"],
  ["多少", "多小"],
  ["价格", "价各"],
  ["什么", "神么"],
  ["在", "再"],
  ["的", "得"],
  ["请", "清"],
  ["图", "涂"],
];

/** Chinese punctuation as most keyboards write it; the families' questions have the narrow signs. */
const fullWidth: Readonly<Record<string, string>> = {
  ",": "\uff0c",
  "?": "\uff1f",
  ":": "\uff1a",
  "!": "\uff01",
  "(": "\uff08",
  ")": "\uff09",
};

/** Names in one language with the name in the other, the longest first. */
const translations: Readonly<Record<Language, readonly (readonly [string, string])[]>> = {
  en: kinds.map(({ zh, en }) => [en[0], zh[0]] as const).sort((a, b) => b[0].length - a[0].length),
  zh: kinds.map(({ zh, en }) => [zh[0], en[0]] as const).sort((a, b) => b[0].length - a[0].length),
};

function mixLanguages(question: string, language: Language): string {
  for (const [own, other] of translations[language]) {
    const pattern = language === "en" ? new RegExp(`(?<![a-z])(?:the )?${own}(?![a-z])`, "i") : new RegExp(own);
    if (pattern.test(question)) return question.replace(pattern, language === "en" ? other : ` ${other} `).trim();
  }
  return question;
}

/** One slip in one longer word: two letters swapped, one left out or one doubled. Digits stay. */
function mistype(question: string, random: Random, language: Language): string {
  if (language === "zh") {
    const [right, wrong] = random.pick(soundAlike);
    return question.replace(right, wrong);
  }
  const words = [...question.matchAll(/[a-z]{5,}/gi)];
  if (words.length === 0) return question;
  const { 0: word, index } = random.pick(words);
  const at = random.integer(1, word.length - 3);
  const slipped = random.pick([
    word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2),
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + word[at] + word.slice(at),
  ]);
  return question.slice(0, index) + slipped + question.slice(index + word.length);
}

/** The same question, put carelessly or with more words; about one in six stays as it is. */
export function asPeopleAsk(question: string, random: Random, language: Language): string {
  let text = question;
  if (random.chance(0.1)) text = mixLanguages(text, language);
  if (random.chance(0.2)) text = mistype(text, random, language);
  if (random.chance(0.3)) text = text.replace(/[?.。]$/, random.pick(["", "", "", "??", "!", "...", " ?"]));
  if (random.chance(0.4)) {
    const opening = random.pick(openings[language]);
    // Within a sentence a question begins with a small letter; "I" stays.
    text =
      opening + (/[:,]\s*$|[a-z] $/.test(opening) ? text.replace(/^[A-HJ-Z](?=[a-z'])/, (c) => c.toLowerCase()) : text);
  }
  if (random.chance(0.2)) text += random.pick(closings[language]);
  if (language === "zh" && random.chance(0.6)) text = text.replace(/[,?:!()]/g, (sign) => fullWidth[sign]!);
  if (language === "en" && random.chance(0.25)) text = random.chance(0.35) ? text.toUpperCase() : text.toLowerCase();
  return text;
}
