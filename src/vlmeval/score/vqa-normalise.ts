/** @file The VQA challenge's normal form of a short answer: punctuation, number words, articles, contractions. */
import { pySplit, pyStrip } from "../python/text.ts";
import { processPunctuation } from "./punctuation.ts";
import type { ScoringMode } from "./rules.ts";

const ARTICLES = new Set(["a", "an", "the"]);
const NUMBER_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** Contractions that get their apostrophe back; each is listed once, a form that lacks one of its apostrophes maps to it. */
const CONTRACTIONS = `ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't
must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've
somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll that's
there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't
what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's
won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've`;

function contractionTable(): Map<string, string> {
  const table = new Map<string, string>();
  for (const full of CONTRACTIONS.split(/\s+/)) {
    for (let at = full.indexOf("'"); at >= 0; at = full.indexOf("'", at + 1)) {
      const short = full.slice(0, at) + full.slice(at + 1);
      // "hadn't've" without its last apostrophe must not shadow the contraction "hadn't".
      if (!table.has(short)) table.set(short, full);
    }
  }
  // The challenge's own table has this pair the wrong way round.
  table.set("somebody'd", "somebodyd");
  return table;
}
const RESTORED = contractionTable();

function restoreWords(text: string): string {
  const out: string[] = [];
  for (const word of pySplit(text.toLowerCase())) {
    const number = word === "none" ? 0 : NUMBER_WORDS.indexOf(word);
    const mapped = number >= 0 ? String(number) : word;
    if (!ARTICLES.has(mapped)) out.push(RESTORED.get(mapped) ?? mapped);
  }
  return out.join(" ");
}

/**
 * `process_answer` of VLMEvalKit's `utils/vqa_eval.py`.
 * @example normaliseVqaAnswer("An apple (green)", "compat") // "apple green"
 */
export function normaliseVqaAnswer(answer: string, mode: ScoringMode): string {
  return restoreWords(processPunctuation(pyStrip(answer.replaceAll("\n", " ").replaceAll("\t", " ")), mode));
}
