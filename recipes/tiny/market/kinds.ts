/** @file The vegetables and fruits that the market sells, with their names in both languages. */

/** One thing that is sold. Names are singular; the first one of each language is the one that answers use. */
export interface Kind {
  id: string;
  group: "vegetable" | "fruit";
  zh: readonly [string, ...string[]];
  en: readonly [string, ...string[]];
  /** Plural of `en[0]`. */
  plural: string;
  /** Icon names to look for, first found wins; default is the id. */
  icons?: readonly string[];
}

/** All kinds, in a fixed order: class numbers of trained towers depend on it, so only append. */
export const kinds: readonly Kind[] = [
  { id: "tomato", group: "vegetable", zh: ["西红柿", "番茄"], en: ["tomato"], plural: "tomatoes" },
  {
    id: "eggplant",
    group: "vegetable",
    zh: ["茄子"],
    en: ["eggplant", "aubergine"],
    plural: "eggplants",
    icons: ["eggplant", "aubergine"],
  },
  { id: "potato", group: "vegetable", zh: ["土豆", "马铃薯"], en: ["potato"], plural: "potatoes" },
  { id: "carrot", group: "vegetable", zh: ["胡萝卜", "红萝卜"], en: ["carrot"], plural: "carrots" },
  {
    id: "corn",
    group: "vegetable",
    zh: ["玉米"],
    en: ["corn", "sweet corn", "maize"],
    plural: "corn",
    icons: ["ear-of-corn", "earofmaize"],
  },
  {
    id: "chili",
    group: "vegetable",
    zh: ["辣椒"],
    en: ["chili", "chili pepper", "hot pepper"],
    plural: "chilies",
    icons: ["hot-pepper", "chilipepper"],
  },
  {
    id: "bell-pepper",
    group: "vegetable",
    zh: ["甜椒", "彩椒", "柿子椒", "青椒"],
    en: ["bell pepper", "sweet pepper"],
    plural: "bell peppers",
  },
  { id: "cucumber", group: "vegetable", zh: ["黄瓜"], en: ["cucumber"], plural: "cucumbers" },
  {
    id: "greens",
    group: "vegetable",
    zh: ["青菜", "生菜", "小白菜"],
    en: ["greens", "leafy greens", "lettuce"],
    plural: "greens",
    icons: ["leafy-green"],
  },
  { id: "broccoli", group: "vegetable", zh: ["西兰花", "西蓝花"], en: ["broccoli"], plural: "broccoli" },
  { id: "garlic", group: "vegetable", zh: ["大蒜", "蒜"], en: ["garlic"], plural: "garlic" },
  { id: "onion", group: "vegetable", zh: ["洋葱"], en: ["onion"], plural: "onions" },
  { id: "mushroom", group: "vegetable", zh: ["蘑菇"], en: ["mushroom"], plural: "mushrooms" },
  {
    id: "shiitake",
    group: "vegetable",
    zh: ["香菇"],
    en: ["shiitake", "brown mushroom"],
    plural: "shiitake",
    icons: ["brown-mushroom"],
  },
  { id: "peanut", group: "vegetable", zh: ["花生"], en: ["peanut"], plural: "peanuts", icons: ["peanuts"] },
  {
    id: "bean",
    group: "vegetable",
    zh: ["芸豆", "豆子"],
    en: ["bean", "kidney bean"],
    plural: "beans",
    icons: ["beans"],
  },
  {
    id: "chestnut",
    group: "vegetable",
    zh: ["板栗", "栗子"],
    en: ["chestnut"],
    plural: "chestnuts",
    icons: ["chestnut", "acorn"],
  },
  { id: "ginger", group: "vegetable", zh: ["生姜", "姜"], en: ["ginger"], plural: "ginger", icons: ["ginger-root"] },
  {
    id: "pea",
    group: "vegetable",
    zh: ["荷兰豆", "豌豆"],
    en: ["snow pea", "pea", "pea pod"],
    plural: "snow peas",
    icons: ["pea-pod"],
  },
  { id: "olive", group: "vegetable", zh: ["橄榄"], en: ["olive"], plural: "olives" },
  { id: "avocado", group: "fruit", zh: ["牛油果", "鳄梨"], en: ["avocado"], plural: "avocados" },
  {
    id: "sweet-potato",
    group: "vegetable",
    zh: ["红薯", "地瓜"],
    en: ["sweet potato"],
    plural: "sweet potatoes",
    icons: ["roasted-sweet-potato", "roastedsweetpotato"],
  },
  { id: "grape", group: "fruit", zh: ["葡萄"], en: ["grape"], plural: "grapes", icons: ["grapes"] },
  { id: "melon", group: "fruit", zh: ["甜瓜", "哈密瓜", "香瓜"], en: ["melon", "cantaloupe"], plural: "melons" },
  { id: "watermelon", group: "fruit", zh: ["西瓜"], en: ["watermelon"], plural: "watermelons" },
  {
    id: "orange",
    group: "fruit",
    zh: ["橙子", "橘子", "桔子"],
    en: ["orange", "tangerine", "mandarin"],
    plural: "oranges",
    icons: ["tangerine"],
  },
  { id: "lemon", group: "fruit", zh: ["柠檬"], en: ["lemon"], plural: "lemons" },
  { id: "lime", group: "fruit", zh: ["青柠"], en: ["lime"], plural: "limes" },
  { id: "banana", group: "fruit", zh: ["香蕉"], en: ["banana"], plural: "bananas" },
  { id: "pineapple", group: "fruit", zh: ["菠萝", "凤梨"], en: ["pineapple"], plural: "pineapples" },
  { id: "mango", group: "fruit", zh: ["芒果"], en: ["mango"], plural: "mangoes" },
  {
    id: "apple",
    group: "fruit",
    zh: ["苹果", "红苹果"],
    en: ["apple", "red apple"],
    plural: "apples",
    icons: ["red-apple", "redapple"],
  },
  {
    id: "green-apple",
    group: "fruit",
    zh: ["青苹果", "绿苹果"],
    en: ["green apple"],
    plural: "green apples",
    icons: ["green-apple", "greenapple"],
  },
  { id: "pear", group: "fruit", zh: ["梨", "梨子"], en: ["pear"], plural: "pears" },
  { id: "peach", group: "fruit", zh: ["桃子", "水蜜桃", "桃"], en: ["peach"], plural: "peaches" },
  { id: "cherry", group: "fruit", zh: ["樱桃", "车厘子"], en: ["cherry"], plural: "cherries", icons: ["cherries"] },
  { id: "strawberry", group: "fruit", zh: ["草莓"], en: ["strawberry"], plural: "strawberries" },
  { id: "blueberry", group: "fruit", zh: ["蓝莓"], en: ["blueberry"], plural: "blueberries", icons: ["blueberries"] },
  {
    id: "kiwi",
    group: "fruit",
    zh: ["猕猴桃", "奇异果"],
    en: ["kiwi", "kiwi fruit"],
    plural: "kiwis",
    icons: ["kiwi-fruit"],
  },
  { id: "coconut", group: "fruit", zh: ["椰子"], en: ["coconut"], plural: "coconuts" },
];

const byId = new Map(kinds.map((kind) => [kind.id, kind]));

/** The kind with this id. @throws when there is none */
export function kindOf(id: string): Kind {
  const kind = byId.get(id);
  if (!kind)
    throw new Error(`No vegetable or fruit has the id "${id}"; see \`kinds\` for the ${kinds.length} known ids.`);
  return kind;
}
