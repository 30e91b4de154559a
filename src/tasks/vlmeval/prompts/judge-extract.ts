/** @file The question to a judge: print the final answer that stands in this reply. */

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
