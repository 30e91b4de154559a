/** @file The question to a judge: which option does this reply mean? */
import type { Choices } from "../score/can-infer.ts";

const CHINESE = /[\u4e00-\u9fff]/;

/** True if the text has a character of the main block of Chinese characters, upstream's test for "a Chinese prompt". */
export function hasChinese(text: string): boolean {
  return CHINESE.test(text);
}

function optionLines(choices: Choices): string {
  return [...choices].map(([letter, text]) => `${letter}. ${text}`).join("\n");
}

/**
 * The same task and the same output format as VLMEvalKit's prompt, in words of our own: match the reply to an option,
 * print its letter, or Z if none fits.
 * @param delimited put the parts between markers, for questions that carry instructions of their own
 */
export function choiceJudgePrompt(
  item: { question: string; choices: Choices; prediction: string },
  delimited: boolean,
): string {
  const options = optionLines(item.choices);
  if (!delimited && hasChinese(item.question)) {
    return [
      "下面是一道单选题、它的选项，以及别人对这道题的回答。请判断这个回答与哪个选项的意思一致。",
      "只输出该选项的大写字母；如果没有任何选项与回答的意思一致，输出 Z。",
      "例：选项为 A. 苹果、B. 香蕉，回答为“一串黄色的香蕉”，输出 B；回答为“一辆汽车”，输出 Z。",
      `问题：${item.question}`,
      `选项：\n${options}`,
      `回答：${item.prediction}`,
      "输出：",
    ].join("\n");
  }
  const mark = (text: string) => (delimited ? `<start>\n${text}\n<end>` : text);
  return [
    "Below are a single-choice question, its options, and somebody's reply to it.",
    "Decide which option has the same meaning as the reply.",
    "Print that option's capital letter and nothing else. If no option has the meaning of the reply, print Z.",
    "Example: with the options A. apple, B. banana, the reply `a bunch of yellow bananas` gives B, and `a car` gives Z.",
    `Question: ${mark(`${item.question}\nOptions:\n${options}`)}`,
    `Reply: ${mark(item.prediction)}`,
    "Your output: ",
  ].join("\n");
}
