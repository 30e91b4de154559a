/** @file The words of what people ask beside the matter, and of some answers. */

import type { Language } from "../words.ts";

export const readText = {
  en: [
    "Read the text in this picture.",
    "What does the text say?",
    "Read the text.",
    "What is written here?",
    "Can you read what it says?",
    "Transcribe the text in the image.",
    "OCR this",
    "Write down all text that you see.",
    "What words and numbers are in the picture?",
  ],
  zh: [
    "读出图中的文字",
    "图上写了哪些字?",
    "图中的文字是什么",
    "识别文字",
    "把上面的字念一遍",
    "提取图片里的文字",
    "都写着什么?",
    "文字识别一下",
  ],
} as const;

export const unusual = {
  en: [
    "What is unusual here?",
    "What is strange about this picture?",
    "Is anything odd here?",
    "Anything unusual?",
    "What stands out?",
    "Does something look wrong in this picture?",
  ],
  zh: [
    "这张图有什么特别的?",
    "哪里不寻常?",
    "有什么奇怪的地方吗?",
    "图里有什么异常?",
    "有什么不对劲吗?",
    "哪里最显眼?",
  ],
} as const;

export const abilities = {
  en: [
    "What can you do?",
    "What can I ask you?",
    "What are you for?",
    "what do you do",
    "How does this work?",
    "Which questions can you answer?",
    "what can you see",
    "help me",
    "What kind of pictures can you read?",
  ],
  zh: [
    "你能做什么",
    "我可以问你什么?",
    "你是干什么用的?",
    "你会看什么图?",
    "这个怎么用?",
    "你能回答哪些问题?",
    "有什么功能",
    "你有什么本事",
  ],
} as const;
export const abilityAnswer = {
  en: "I read price boards: what is in each place and what it costs, and I can count, compare and calculate.",
  zh: "我能看懂菜价牌:说出每一格是什么、多少钱,还能数一数、比一比、算一算。",
} as const;

/** Nothing that a picture of a price board tells, with what is asked for in a few words. */
export const unanswerable: Readonly<Record<Language, readonly (readonly [question: string, about: string])[]>> = {
  en: [
    ["What is the seller's name?", "the seller"],
    ["Who owns this shop?", "the owner"],
    ["Which city is this in?", "the place where it was taken"],
    ["Where was this photo taken?", "the place where it was taken"],
    ["What is the weather like?", "the weather"],
    ["What time do they close?", "the opening hours"],
    ["When does the market open?", "the opening hours"],
    ["How many calories does this have?", "calories"],
    ["Are these organic?", "how they were grown"],
    ["Where do the goods come from?", "where the goods come from"],
    ["How fresh is it?", "how fresh the goods are"],
    ["What was the price last week?", "prices of other days"],
    ["Will it be cheaper tomorrow?", "prices of other days"],
    ["How many are left in stock?", "the stock"],
    ["What does delivery cost?", "delivery"],
    ["Can I pay with my phone?", "how to pay"],
    ["Is there a discount for students?", "discounts"],
    ["What is the shop's address?", "the address"],
    ["What's their phone number?", "the phone number"],
    ["How do I cook this?", "recipes"],
    ["Which one tastes best?", "taste"],
    ["Is it healthy?", "health"],
    ["How heavy is one piece?", "weights"],
    ["Who took this picture?", "who took it"],
    ["How old is the farmer?", "the farmer"],
  ],
  zh: [
    ["老板叫什么?", "老板"],
    ["店主是谁?", "店主"],
    ["这是哪个城市?", "拍摄的地点"],
    ["照片在哪儿拍的?", "拍摄的地点"],
    ["今天天气好吗?", "天气"],
    ["几点开门?", "营业时间"],
    ["几点打烊?", "营业时间"],
    ["热量是多少?", "热量"],
    ["是有机的吗?", "种植方式"],
    ["产地是哪里?", "产地"],
    ["新鲜吗?", "新鲜程度"],
    ["上个星期多少钱?", "别的日子的价格"],
    ["明天会便宜吗?", "别的日子的价格"],
    ["还剩多少存货?", "存货"],
    ["送货要多少钱?", "送货"],
    ["能用手机支付吗?", "付款方式"],
    ["有折扣吗?", "折扣"],
    ["店的地址在哪?", "地址"],
    ["电话号码是多少?", "电话"],
    ["这个怎么做好吃?", "做法"],
    ["哪个最好吃?", "味道"],
    ["吃了健康吗?", "健康"],
    ["一个有多重?", "重量"],
    ["谁拍的照片?", "谁拍的"],
    ["农民几岁了?", "农民"],
  ],
};

/** Nothing, or nothing that makes sense. */
export const nonsense: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "",
    "asdf",
    "?",
    "...",
    "blah blah",
    "qwerty",
    "xyz 123",
    "!!!",
    "hmm",
    "purple dreams run fast",
    "42",
    "ok",
    "test",
    "lorem ipsum",
    "Is the number seven sad?",
    "Why?",
  ],
  zh: [
    "",
    "?",
    "。。。",
    "啊啊啊",
    "嗯嗯",
    "哈哈哈",
    "测试",
    "一二三四五",
    "月亮吃了桌子吗",
    "好吧",
    "123",
    "嘿嘿",
    "数字七难过吗",
    "为什么",
  ],
};
export const notUnderstood = {
  en: "I did not understand that. Ask me what is on the board and what it costs.",
  zh: "我没听懂。可以问我价目牌上有什么、多少钱。",
} as const;
export const notUnderstoodAtAll = {
  en: "I did not understand that. I can read price boards: ask me what is in a place or what something costs.",
  zh: "我没听懂。我会看菜价牌:可以问某一格是什么,或者某样东西多少钱。",
} as const;

export const whatIsIt = {
  en: ["What is this?", "What am I looking at?", "what is this picture about", "Summarise the picture.", "whats this"],
  zh: ["这是什么?", "这张图是关于什么的", "这是啥图", "概括一下这张图", "图里是什么场景?"],
} as const;
