/** @file What is written across the top of some boards, and how a unit is written there. */

/** Titles that say nothing about the price. */
export const titles = [
  "今日菜价",
  "新鲜蔬果",
  "特价",
  "蔬菜水果",
  "农贸市场",
  "Fresh Market",
  "Fruit & Veg",
  "Today",
  "Best Price",
  "Sale",
] as const;

/** Titles that give the unit of every price on the board. */
export const unitTitles: Readonly<Record<string, readonly string[]>> = {
  斤: ["单位:元/斤", "每斤价格", "元/斤"],
  公斤: ["单位:元/公斤", "每公斤价格", "元/公斤"],
  kg: ["Price per kg", "per kg"],
  lb: ["Price per lb", "per lb"],
};
