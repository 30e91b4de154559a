/** @file The page's words in English and Chinese. */

const en = {
  title: "Ask about a picture",
  intro:
    "Drop a picture anywhere, paste one, or take a photo. Then ask about it. Nothing leaves this server; conversations stay in this browser.",
  choose: "Choose a picture",
  tryExample: "Try the example picture",
  exampleQuestion: "What is in row 1, column 2, and what does it cost?",
  example1: "Describe this picture.",
  example2: "Read the text in this picture.",
  example3: "What is unusual here?",
  examples: "Questions to begin with",
  skip: "Skip to the message box",
  conversations: "Conversations",
  newConversation: "New conversation",
  deleteConversation: "Delete conversation",
  untitled: "Untitled",
  settings: "Settings",
  language: "Language",
  theme: "Theme",
  themeAuto: "As the system",
  themeLight: "Light",
  themeDark: "Dark",
  message: "Message",
  placeholder: "Ask something…",
  messageHint: "Enter sends, Shift+Enter breaks the line.",
  attach: "Add pictures",
  camera: "Take a photo",
  shoot: "Take the photo",
  cameraFailed: "The camera cannot be used here: {0}",
  removePicture: "Remove picture {0}",
  picture: "Picture {0}",
  send: "Send",
  stop: "Stop",
  you: "You",
  model: "Model",
  copy: "Copy answer",
  copied: "Copied",
  cannotCopy: "The browser lets pages copy only over https or on localhost.",
  copyAs: "Copy as code",
  resend: "Resend with the current settings",
  look: "Where did it look?",
  lookHint: "Choose a word of the answer: the picture shows where the model looked when it wrote it.",
  lookToken: "Word of the answer",
  lookShare: "{0} % of its attention was on this picture.",
  close: "Close",
  temperature: "Temperature",
  temperatureHint: "0 always takes the likeliest word; higher is more varied.",
  topP: "Top P",
  maxTokens: "Longest answer in tokens",
  seed: "Seed",
  seedHint: "The same seed gives the same answer. Empty: a new one each time.",
  system: "System text",
  schema: "JSON schema for the answer",
  schemaHint: "Empty: free text. Otherwise the answer always fits the schema.",
  schemaFaulty: "The JSON schema is not valid JSON.",
  key: "API key",
  keyHint: "This server asks for one. It is kept until this tab is closed.",
  needsKey: "This server needs an API key; enter it in the settings.",
  waiting: "Waiting for the first word…",
  firstToken: "first token {0}",
  speed: "{0} tokens/s",
  tokens: "{0} tokens",
  cached: "{0} of {1} prompt tokens from the cache",
  cut: "The answer reached the longest length.",
  stopped: "Stopped.",
  done: "Answer complete.",
  failed: "That did not work: {0}",
  tooLarge: "{0} is larger than this server takes ({1} MB).",
  notPicture: "{0} is not a picture that this browser can read.",
  tooMany: "This server takes at most {0} pictures per conversation.",
  dropHere: "Drop the picture here",
  offline: "The server does not answer. Trying again…",
  loading: "The model is loading…",
};

/** All texts by name. */
export type Words = typeof en;

const zh: Words = {
  title: "就图片提问",
  intro: "把图片拖到页面任意位置、粘贴，或直接拍照，然后提问。数据不会离开这台服务器，对话只保存在此浏览器中。",
  choose: "选择图片",
  tryExample: "试试示例图片",
  exampleQuestion: "说说图中第一行第二列是什么蔬菜，买一斤多少钱",
  example1: "描述这张图片。",
  example2: "读出图片中的文字。",
  example3: "这里有什么不寻常之处？",
  examples: "可以这样问",
  skip: "跳到输入框",
  conversations: "对话",
  newConversation: "新对话",
  deleteConversation: "删除对话",
  untitled: "未命名",
  settings: "设置",
  language: "语言",
  theme: "外观",
  themeAuto: "跟随系统",
  themeLight: "浅色",
  themeDark: "深色",
  message: "消息",
  placeholder: "输入问题……",
  messageHint: "回车发送，Shift+回车换行。",
  attach: "添加图片",
  camera: "拍照",
  shoot: "拍下照片",
  cameraFailed: "此处无法使用相机：{0}",
  removePicture: "移除图片 {0}",
  picture: "图片 {0}",
  send: "发送",
  stop: "停止",
  you: "你",
  model: "模型",
  copy: "复制回答",
  copied: "已复制",
  cannotCopy: "浏览器只允许通过 https 或 localhost 打开的页面复制。",
  copyAs: "复制为代码",
  resend: "用当前设置重新发送",
  look: "它看了哪里？",
  lookHint: "选择回答中的一个词，图片会显示模型写下它时看向哪里。",
  lookToken: "回答中的词",
  lookShare: "{0}% 的注意力落在这张图片上。",
  close: "关闭",
  temperature: "温度",
  temperatureHint: "0 总是取最可能的词；数值越高越多样。",
  topP: "Top P",
  maxTokens: "回答的最大词元数",
  seed: "随机种子",
  seedHint: "相同的种子给出相同的回答。留空则每次不同。",
  system: "系统提示",
  schema: "回答的 JSON Schema",
  schemaHint: "留空为自由文本；否则回答一定符合该 Schema。",
  schemaFaulty: "JSON Schema 不是有效的 JSON。",
  key: "API 密钥",
  keyHint: "此服务器需要密钥。密钥保留到关闭此标签页为止。",
  needsKey: "此服务器需要 API 密钥，请在设置中填写。",
  waiting: "正在等待第一个词…",
  firstToken: "首词元 {0}",
  speed: "{0} 词元/秒",
  tokens: "{0} 个词元",
  cached: "提示的 {1} 个词元中 {0} 个来自缓存",
  cut: "回答已达到最大长度。",
  stopped: "已停止。",
  done: "回答完成。",
  failed: "出错了：{0}",
  tooLarge: "{0} 超过了此服务器的上限（{1} MB）。",
  notPicture: "{0} 不是此浏览器能读取的图片。",
  tooMany: "此服务器每个对话最多接受 {0} 张图片。",
  dropHere: "把图片放在这里",
  offline: "服务器没有响应，正在重试…",
  loading: "模型正在加载…",
};

/** Languages of the page, each under its own name. */
export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

let current: Language = "en";

/** Chooses the language that {@link t} speaks. */
export function setLanguage(language: Language): void {
  current = language;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}

/** The language to begin with: the one chosen before, or else the browser's. */
export function firstLanguage(chosen: string | null): Language {
  if (chosen === "en" || chosen === "zh") return chosen;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/**
 * A text in the current language, its places {0}, {1} … filled.
 *
 * @example t("speed", "31.2"); // "31.2 tokens/s"
 */
export function t(name: keyof Words, ...values: (string | number)[]): string {
  return (current === "zh" ? zh : en)[name].replace(/\{(\d)\}/g, (_, place) => String(values[Number(place)] ?? ""));
}
