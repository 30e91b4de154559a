/** @file Every place where correct mode departs from VLMEvalKit, for reports and for the test that counts them. */

export interface UpstreamDifference {
  id: string;
  /** The sets it can change. */
  where: string;
  upstream: string;
  correct: string;
}

const row = (id: string, where: string, upstream: string, correct: string): UpstreamDifference => ({
  id,
  where,
  upstream,
  correct,
});

/** What `--mode correct` does otherwise than upstream. */
export const UPSTREAM_DIFFERENCES: readonly UpstreamDifference[] = [
  row(
    "verbose-letter",
    "multiple choice",
    "“answer is cheese” reads as option C; only A-D are rescued",
    "the letter must stand alone; every option counts",
  ),
  row("full-stops", "yes/no, VQA", "only the first 32 full stops are removed", "all are"),
  row("relaxed-zero", "ChartQA", "a target of 0 is compared as text, so 0.0 is wrong", "0 equals 0.0"),
  row(
    "anls-length",
    "DocVQA, InfoVQA",
    "distance of normalised texts over the length of the raw ones",
    "over the length of the normalised ones",
  ),
  row("cot-decoration", "MMMU-Pro COT", "a decorated last line such as **Answer: B** is not seen", "it is"),
  row(
    "dynamath-letters",
    "DynaMath",
    "any A-E inside any word is a choice (“none” is E)",
    "the letter must stand alone",
  ),
  row("dynamath-number", "DynaMath", "a number in the JSON (not a text) goes to the judge", "it is the answer"),
  row("dynamath-substring", "DynaMath", "a text answer is right if it is any part of the key", "it must be the key"),
  row(
    "dynamath-first-three",
    "DynaMath",
    "an unread choice is right if its letter is among the first three characters",
    "it is wrong",
  ),
  row(
    "dynamath-backslashes",
    "DynaMath",
    "backslashes are deleted before the JSON is read",
    "the JSON is read as it stands first",
  ),
  row(
    "mathvision-python",
    "MathVision",
    "answers are evaluated as Python: 2^3 is 1, `a` equals any number",
    "LaTeX and numbers by computer algebra",
  ),
  row("mathvista-texts", "MathVista", "lists and texts are never right", "they are compared"),
  row(
    "mathvista-numbers",
    "MathVista",
    "8.0 is not the integer 8; a prefetched 0 goes to the judge",
    "numbers are compared as numbers",
  ),
  row(
    "mathverse-apostrophe",
    "MathVerse",
    "metadata with an apostrophe cannot be read",
    "it is read as the dict that it is",
  ),
  row(
    "mathverse-rules",
    "MathVerse",
    "every row costs a judge call",
    "a reply that plainly equals the answer needs none",
  ),
  row("mme-missing", "MME", "a missing category or an odd picture raises", "it counts as 0, or by its own rows"),
  row("mmvet-double", "MMVet", "a row with one capability counts twice for it", "it counts once"),
  row("wemath-denominator", "WeMath", "rates divide by 525 whatever the number of groups", "by the groups there are"),
  row("wemath-empty-ratio", "WeMath", "no right multi-step row raises ZeroDivisionError", "the ratio is 0"),
  row("wemath-marker", "WeMath without a judge", "only a marked letter is read", "the option matcher, as with a judge"),
  row(
    "lost-replies",
    "all",
    "replies pass through xlsx: long ones are cut, `None` or empty become `nan`",
    "replies are scored as given",
  ),
];
