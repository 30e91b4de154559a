// Parts of the chat page that need no browser: events however they are cut, places in answers, what is sent of a conversation.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPlaces } from "../../web/src/boxes.ts";
import { eventData } from "../../web/src/events.ts";
import { nextFrom, sentTurns } from "../../web/src/memory.ts";
import { toMessages, toSampling } from "../../web/src/request.ts";
import { matches, titleOf } from "../../web/src/titles.ts";
import type { Conversation, Turn } from "../../web/src/types.ts";

/** A body that comes in the given pieces. */
const bodyOf = (pieces: Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
const read = async (pieces: Uint8Array[]): Promise<string[]> => {
  const all: string[] = [];
  for await (const data of eventData(bodyOf(pieces))) all.push(data);
  return all;
};

describe("events", () => {
  const events = ['{"a":"荷兰豆"}', '{"b":"🥬 7.98"}', '{"c":1}'];
  const bodies = ["\n", "\r\n"].map((end) =>
    new TextEncoder().encode(
      [`: a comment`, "", ...events.flatMap((data) => ["event: x", `data: ${data}`, ""]), "data: [DONE]", "", ""].join(
        end,
      ),
    ),
  );

  test.each([...bodies.entries()])("are whole wherever the network cuts them once (line ends %i)", async (_, body) => {
    for (let at = 0; at <= body.length; at++) expect(await read([body.slice(0, at), body.slice(at)])).toEqual(events);
  });

  test("are whole however often they are cut", () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...bodies), fc.array(fc.nat(60), { maxLength: 30 }), async (body, lengths) => {
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const length of lengths) {
          pieces.push(body.slice(at, at + length));
          at = Math.min(body.length, at + length);
        }
        expect(await read([...pieces, body.slice(at)])).toEqual(events);
      }),
    ));

  test("leaving the loop ends the reading", async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
      cancel() {
        cancelled = true;
      },
    });
    for await (const data of eventData(body)) {
      expect(data).toBe("1");
      break;
    }
    expect(cancelled).toBe(true);
  });
});

describe("places in an answer", () => {
  const where = (text: string) =>
    readPlaces(text).places.map(({ left, top, width, height, name }) => [name, left, top, width, height]);

  test.each<[string, string, string, ReturnType<typeof where>]>([
    ["a named box", "The <ref>leek</ref><box>[[10, 20, 300, 400]]</box>.", "The leek ①.", [["leek", 10, 20, 290, 380]]],
    [
      "several boxes of one name",
      "<ref>pea</ref><box>[[0,0,10,10],[20,20,1000,1000]]</box>",
      "pea ① ②",
      [
        ["pea", 0, 0, 10, 10],
        ["pea", 20, 20, 980, 980],
      ],
    ],
    ["a box whose marks the tokenizer took away", "荷兰豆[[10, 20, 300, 400]]", "荷兰豆①", [["", 10, 20, 290, 380]]],
    ["a point", "<point>[[500, 250]]</point>", "①", [["", 500, 250, 0, 0]]],
    ["a box without the outer brackets", "<box>[1,2,3,4]</box>", "①", [["", 1, 2, 2, 2]]],
  ])("%s", (_, text, shown, places) => {
    expect(readPlaces(text).text).toBe(shown);
    expect(where(text)).toEqual(places);
  });

  test.each([
    "no place here",
    "beyond the picture <box>[[10, 20, 300, 1400]]</box>",
    "right before left <box>[[300, 20, 10, 400]]</box>",
    "a row [1, 2, 3, 4] and pairs [[1, 2], [3, 4]]",
    "an index a[[1, 2, 3, 4]]",
    "code `[[1, 2, 3, 4]]` and\n```\n<box>[[1, 2, 3, 4]]</box>\n```",
    "<box>[[1, 2, 3",
  ])("%s is text", (text) => expect(readPlaces(text)).toEqual({ text, places: [] }));
});

describe("what is sent of a conversation", () => {
  const user = (text: string, ...pictures: string[]): Turn => ({
    role: "user",
    text,
    pictures: pictures.map((content) => new Blob([content])),
  });
  const model = (text: string): Turn => ({ role: "assistant", text, reasoning: "because", tokens: [] });
  const turns = [user("1", "a"), model("one"), user("2", "b", "c"), model("two"), user("3"), model("three"), user("4")];
  const talk = (from?: number): Conversation => ({ id: "x", updated: 0, turns, from });
  const messages = async (sent: Turn[]) =>
    (await toMessages(sent, "", (picture) => picture.text())).map(({ content }) =>
      typeof content === "string" ? content : content.map((part) => ("text" in part ? part.text : part.image_url.url)),
    );

  test("is all of it, pictures in their turns and without the working", async () => {
    expect(await messages(sentTurns(talk()))).toEqual([["a", "1"], "one", ["b", "c", "2"], "two", "3", "three", "4"]);
    expect(await messages(sentTurns(talk(), 3))).toEqual([["a", "1"], "one", ["b", "c", "2"]]);
  });

  test("is what the reader has not let go, with the pictures shown last", async () => {
    expect(await messages(sentTurns(talk(2)))).toEqual([["b", "c", "2"], "two", "3", "three", "4"]);
    expect(await messages(sentTurns(talk(4)))).toEqual([["b", "c", "3"], "three", "4"]);
    expect(await messages(sentTurns(talk(6)))).toEqual([["b", "c", "4"]]);
    expect(turns[6]).toMatchObject({ pictures: [] });
    expect([undefined, 2, 4, 6].map((from) => nextFrom(talk(from)))).toEqual([2, 4, 6, undefined]);
    expect(nextFrom(talk(2), 4)).toBeUndefined();
  });

  test("comes with top_p and temperature only where they count", () => {
    const settings = { temperature: 0, topP: 0.9, maxTokens: 5, system: "", schema: "" };
    expect(toSampling(settings)).toEqual({ max_completion_tokens: 5 });
    const drawn = toSampling({ ...settings, temperature: 0.5, seed: 7 });
    expect(drawn).toEqual({ max_completion_tokens: 5, temperature: 0.5, top_p: 0.9, seed: 7 });
    expect(JSON.parse(JSON.stringify(toSampling({ ...settings, temperature: 0.5, topP: 1 })))).not.toHaveProperty(
      "top_p",
    );
  });

  test("a conversation is called by its first words, and found by any of them", () => {
    expect(titleOf(talk())).toBe("1");
    expect(titleOf({ ...talk(), turns: [user("x".repeat(61))] })).toBe(`${"x".repeat(60)}…`);
    expect(["", "THREE two", " 4 "].map((search) => matches(talk(), search))).toEqual([true, true, true]);
    expect(matches(talk(), "three five")).toBe(false);
  });
});
