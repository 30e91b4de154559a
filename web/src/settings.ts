/** @file The settings of answers and of the page, and the dialog that changes them. */
import { apiKey } from "./api.ts";
import { openDialog } from "./dialog.ts";
import { h } from "./dom.ts";
import type { About, AskSettings } from "./types.ts";
import { LANGUAGES, type Language, t } from "./words.ts";

const KEPT = "flashvl-settings";

/** The settings as they were left, or those to begin with. */
export function loadSettings(limits: About["limits"]): AskSettings {
  const initial: AskSettings = { temperature: 0, topP: 1, maxTokens: limits.defaultTokens, system: "", schema: "" };
  try {
    const kept = { ...initial, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") } as AskSettings;
    return { ...kept, maxTokens: Math.min(kept.maxTokens, limits.tokens) };
  } catch {
    return initial;
  }
}

/** Themes of the page. */
export type Theme = "auto" | "light" | "dark";

/** Applies a theme and remembers it. */
export function setTheme(theme: Theme): void {
  localStorage.setItem("flashvl-theme", theme);
  document.documentElement.dataset.theme = theme;
}

/** The theme as it was left. */
export function loadTheme(): Theme {
  const theme = localStorage.getItem("flashvl-theme");
  return theme === "light" || theme === "dark" ? theme : "auto";
}

/** What the dialog reads and reports. */
export interface SettingsDialogOptions {
  settings: AskSettings;
  about: About;
  language: Language;
  onLanguage(language: Language): void;
  onClose(): void;
}

/** Opens the settings; every change applies at once and is kept. */
export function openSettings({ settings, about, language, onLanguage, onClose }: SettingsDialogOptions): void {
  const keep = () => localStorage.setItem(KEPT, JSON.stringify(settings));
  const number = (name: "temperature" | "topP" | "maxTokens" | "seed", min: number, max: number, step: number) => {
    const input = h("input", {
      id: `set-${name}`,
      type: "number",
      min,
      max,
      step,
      value: settings[name] ?? "",
      inputmode: "decimal",
    });
    input.addEventListener("change", () => {
      const value = input.valueAsNumber;
      if (Number.isNaN(value)) {
        if (name === "seed") settings.seed = undefined;
      } else
        settings[name] = Math.min(
          max,
          Math.max(min, name === "maxTokens" || name === "seed" ? Math.round(value) : value),
        );
      input.value = String(settings[name] ?? "");
      keep();
    });
    return input;
  };
  const area = (name: "system" | "schema") => {
    const input = h("textarea", {
      id: `set-${name}`,
      rows: name === "schema" ? 5 : 2,
      spellcheck: name === "system" ? undefined : "false",
    });
    input.value = settings[name];
    input.addEventListener("input", () => {
      settings[name] = input.value;
      keep();
    });
    return input;
  };
  const field = (label: string, input: HTMLElement, hint?: string) => {
    if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
    return h(
      "div",
      { class: "field" },
      h("label", { for: input.id }, label),
      input,
      hint ? h("p", { class: "hint", id: `${input.id}-hint` }, hint) : undefined,
    );
  };
  const choice = <Value extends string>(
    id: string,
    values: Record<Value, string>,
    value: Value,
    change: (value: Value) => void,
  ) => {
    const select = h(
      "select",
      { id },
      ...Object.entries<string>(values).map(([key, name]) =>
        h("option", { value: key, selected: key === value }, name),
      ),
    );
    select.addEventListener("change", () => change(select.value as Value));
    return select;
  };
  const key = h("input", { id: "set-key", type: "password", value: apiKey.get(), autocomplete: "off" });
  key.addEventListener("input", () => apiKey.set(key.value.trim()));

  const fields = [
    about.needsKey ? field(t("key"), key, t("keyHint")) : undefined,
    h(
      "div",
      { class: "pair" },
      field(t("temperature"), number("temperature", 0, 2, 0.1), t("temperatureHint")),
      field(t("seed"), number("seed", 0, 2 ** 31, 1), t("seedHint")),
      field(t("topP"), number("topP", 0.01, 1, 0.05)),
      field(t("maxTokens"), number("maxTokens", 1, about.limits.tokens, 1)),
    ),
    field(t("system"), area("system")),
    field(t("schema"), area("schema"), t("schemaHint")),
    h(
      "div",
      { class: "pair" },
      field(t("language"), choice("set-language", LANGUAGES, language, onLanguage)),
      field(
        t("theme"),
        choice(
          "set-theme",
          { auto: t("themeAuto"), light: t("themeLight"), dark: t("themeDark") },
          loadTheme(),
          setTheme,
        ),
      ),
    ),
  ];
  openDialog("settings", t("settings"), fields, onClose);
}
