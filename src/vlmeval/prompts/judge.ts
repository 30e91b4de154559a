/** @file The questions to a judge: VLMEvalKit's tasks and output formats, in words of our own. */
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

/** The same task and output format as VLMEvalKit's prompt, in words of our own. */
export function yesNoJudgePrompt(question: string, prediction: string): string {
  return [
    "Below are a yes/no question about a picture and somebody's reply. Decide whether the reply means Yes or No.",
    "Print one word: Yes, No, or Unknown if the reply means neither.",
    "Example: Question: Is there a dog? Reply: A dog lies on the sofa. Output: Yes",
    "Example: Question: Is there a dog? Reply: I can only see two cats. Output: No",
    `Question: ${question}`,
    `Reply: ${prediction}`,
    "Output: ",
  ].join("\n");
}

const EXAMPLES: [question: string, reply: string, answer: string][] = [
  ["How many birds sit on the wire?", "There are seven birds on the wire, so the answer is 7.", "7"],
  ["Which share of the circle is grey?", "Three of the five sectors are grey, that is 0.6 of the circle.", "0.6"],
  ["How much do a pen and a pad cost? (Unit: $)", "Together they cost $2.35.", "2.35"],
  ["Between which years did sales fall?", "Sales fell between 2011 and 2013.", "[2011, 2013]"],
  ["Which fraction is larger?\nChoices: (A) 1/2 (B) 2/3", "Two thirds is larger, so (B) 2/3.", "B"],
];

/**
 * The same task, number of examples and output format as the prompt of MathVista and MathVision, in words of our own.
 * @example extractionJudgePrompt({ question: "How many?", prediction: "I count 14." })
 */
export function extractionJudgePrompt(line: { question: string; prediction: string }): string {
  const examples = EXAMPLES.map(
    ([question, reply, answer]) => `Question: ${question}\nReply: ${reply}\nFinal answer: ${answer}`,
  );
  return [
    "Read the examples, then print the final answer that the last reply gives, and nothing else.",
    ...examples,
    `Question: ${line.question}\nReply: ${line.prediction}\nFinal answer:`,
  ].join("\n\n");
}

const INSTRUCTIONS = new Map<string, string>(
  Object.entries({
    "multiple choice": "Print the letter of the chosen option, such as 'A', 'B', 'C' or 'D', on one line.",
    float: "Print the number as a floating-point number with three digits, on one line.",
  }),
);
const OTHER =
  "Print a short answer on one line; write numbers with a fraction as floating-point numbers of three digits.";

/** Ask for nothing but the short answer, in the form that the row's answer type needs. */
export function dynaMathJudgePrompt(reply: string, answerType: string): string {
  return `Free-form answer: ${reply}\nInstruction: ${INSTRUCTIONS.get(answerType) ?? OTHER}`;
}

const EXTRACTIONS: [reply: string, answer: string][] = [
  ["so that, rounded, the vertex lies at:\n\n(3, -2)", "(3, -2)"],
  ["Hence the right statement is:\n\nC. The lines are parallel.", "C"],
  ["Domain: \\([0, 4)\\)\nRange: \\((1, 5]\\)", "Domain: \\([0, 4)\\)\nRange: \\((1, 5]\\)"],
  ["The figure does not give enough to find x, so I cannot choose.", "null"],
  ["Using the sine rule, the distance is about 12.7 metres.", "12.7"],
  ["All coefficients are known now:\n\\( f(x) = 2x^2 - x + 3 \\)", "f(x) = 2x^2 - x + 3"],
];

const COMPARISONS: [question: string, standard: string, answer: string, verdict: string][] = [
  ["Write the marked set as an interval.", "(-1,3]", "\\((-1, 3)\\)", "0"],
  ["How long is AB? Choices: A:1 B:2 C:3 D:4", "C", "B:2", "0"],
  ["Give domain and range.", "domain: [0, 4) and range: (1, 5]", "Range: \\((1, 5]\\)", "0"],
  ["How high is the tower?", "0.5m", "50cm", "1"],
];

/** Ask for the extracted answer only (stage one). */
export function verseExtractPrompt(prediction: string): string {
  const examples = EXTRACTIONS.map(([reply, answer]) => `Model response: '${reply}'\nExtracted answer: ${answer}`);
  return [
    "You see a model's response to a mathematics problem. Print the answer it arrives at, without any explanation; print null if it gives none.",
    ...examples,
    `Model response: '${prediction}'\nExtracted answer: `,
  ].join("\n\n");
}

/** Ask for 1 (agrees) or 0 (does not), and nothing else (stage two). */
export function verseComparePrompt(line: { question: string; answer: string; extract: string }): string {
  const block = (question: string, standard: string, answer: string) =>
    `[Question]: ${question}\n[Standard answer]: ${standard}\n[Model answer]: ${answer}\nJudgement:`;
  const examples = COMPARISONS.map(
    ([question, standard, answer, verdict]) => `${block(question, standard, answer)} ${verdict}`,
  );
  return [
    "Does the model's answer to the question agree with the standard answer? It must agree completely; for questions without options another way of writing the same thing agrees too (0.5m and 50cm). Print 1 if it agrees, 0 if not, and nothing else.",
    ...examples,
    block(line.question, line.answer, line.extract),
  ].join("\n\n");
}

/**
 * The same task and output format as MM-Vet's grading prompt, in words of our own.
 * @param line `answer` joins what must all be said with `<AND>`, and what is good enough with `<OR>`
 */
export function mmVetJudgePrompt(line: { question: string; answer: string; prediction: string }): string {
  const truth = line.answer.replaceAll("<AND>", " <AND> ").replaceAll("<OR>", " <OR> ");
  return [
    "Grade a reply to a question about a picture by comparing it with the ground truth.",
    "Parts of the ground truth joined by <AND> must all be in the reply for full marks; of parts joined by <OR> one is enough.",
    "The grade is one of 0.0 (wrong), 0.1, 0.2, ... 0.9, 1.0 (fully right). Print the grade alone.",
    "",
    "Question | Ground truth | Reply | Grade",
    "--- | --- | --- | ---",
    "Which fruits are on the table? | apple <AND> pear | There is a plum. | 0.0",
    "Which fruits are on the table? | apple <AND> pear | I see an apple. | 0.5",
    "Which fruits are on the table? | apple <AND> pear | An apple and a plum. | 0.5",
    "Which fruits are on the table? | apple <AND> pear | A pear next to an apple. | 1.0",
    "What time is it? | ten past nine <OR> 9:10 | 9:10 | 1.0",
    "Why is the cartoon funny? | The dog walks its owner, so the roles of pet and owner are swapped. | A dog is outside with a man. | 0.3",
    "",
    [line.question, truth, line.prediction, ""].join(" | "),
  ].join("\n");
}
