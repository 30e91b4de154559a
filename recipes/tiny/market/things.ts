/** @file What the pictures that are not price boards show: other things, plain shapes and plain colours. */

/** Something that is not sold on a market, drawn from the same icon sets. */
export interface Thing {
  id: string;
  zh: string;
  en: string;
  icons?: readonly string[];
}

/** Other things, in a fixed order (class numbers depend on it, so only append). */
export const things: readonly Thing[] = [
  { id: "dog", zh: "狗", en: "a dog", icons: ["dog-face", "dogface"] },
  { id: "cat", zh: "猫", en: "a cat", icons: ["cat-face", "catface"] },
  { id: "car", zh: "汽车", en: "a car", icons: ["automobile"] },
  { id: "house", zh: "房子", en: "a house", icons: ["house", "housebuilding"] },
  { id: "football", zh: "足球", en: "a football", icons: ["soccer-ball", "soccerball"] },
  { id: "face", zh: "笑脸", en: "a smiling face", icons: ["grinning-face", "grinningface"] },
  { id: "rocket", zh: "火箭", en: "a rocket" },
  { id: "plane", zh: "飞机", en: "an airplane", icons: ["airplane"] },
  { id: "bicycle", zh: "自行车", en: "a bicycle" },
  { id: "umbrella", zh: "雨伞", en: "an umbrella" },
  { id: "guitar", zh: "吉他", en: "a guitar" },
  { id: "sunflower", zh: "向日葵", en: "a sunflower" },
  { id: "elephant", zh: "大象", en: "an elephant" },
  { id: "fish", zh: "鱼", en: "a fish" },
  { id: "tree", zh: "树", en: "a tree", icons: ["deciduous-tree", "deciduoustree"] },
  { id: "bus", zh: "公交车", en: "a bus" },
  { id: "boat", zh: "帆船", en: "a sailboat", icons: ["sailboat"] },
  { id: "rabbit", zh: "兔子", en: "a rabbit", icons: ["rabbit-face", "rabbitface"] },
  { id: "panda", zh: "熊猫", en: "a panda", icons: ["panda", "panda-face", "pandaface"] },
  { id: "bird", zh: "小鸟", en: "a bird" },
  { id: "balloon", zh: "气球", en: "a balloon" },
  { id: "crown", zh: "皇冠", en: "a crown" },
  { id: "butterfly", zh: "蝴蝶", en: "a butterfly" },
  { id: "cow", zh: "牛", en: "a cow", icons: ["cow-face", "cowface"] },
];

/** Plain shapes, in a fixed order. */
export const shapes = [
  { id: "circle", zh: "圆形", en: "circle" },
  { id: "square", zh: "正方形", en: "square" },
  { id: "triangle", zh: "三角形", en: "triangle" },
  { id: "star", zh: "五角星", en: "star" },
  { id: "heart", zh: "心形", en: "heart" },
  { id: "cross", zh: "十字", en: "cross" },
] as const;

/** Plain colours with the hex value that is drawn (before lighting). */
export const colours = [
  { id: "red", zh: "红色", en: "red", hex: "#d92525" },
  { id: "orange", zh: "橙色", en: "orange", hex: "#f5861f" },
  { id: "yellow", zh: "黄色", en: "yellow", hex: "#f3d21b" },
  { id: "green", zh: "绿色", en: "green", hex: "#2c9b3f" },
  { id: "blue", zh: "蓝色", en: "blue", hex: "#2456d6" },
  { id: "purple", zh: "紫色", en: "purple", hex: "#8136b8" },
  { id: "pink", zh: "粉色", en: "pink", hex: "#f58fb8" },
  { id: "brown", zh: "棕色", en: "brown", hex: "#7a4a21" },
  { id: "black", zh: "黑色", en: "black", hex: "#161616" },
  { id: "white", zh: "白色", en: "white", hex: "#fafafa" },
] as const;

export type ShapeId = (typeof shapes)[number]["id"];
export type ColourId = (typeof colours)[number]["id"];
