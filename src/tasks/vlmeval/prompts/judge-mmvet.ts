/** @file The question to a judge: how right is this reply, from 0 to 1? */

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
