/** @file The question to a judge: does this reply say yes or no? */

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
