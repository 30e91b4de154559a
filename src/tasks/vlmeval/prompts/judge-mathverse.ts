/** @file The two questions to a judge that MathVerse needs: what is the answer in this reply, and does it agree with the standard answer? */

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
