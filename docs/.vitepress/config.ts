/** @file The documentation site: which pages there are, in which order. Search is an index in the site itself, so it works offline. */
import { defineConfig } from "vitepress";

const guides = [
  {
    text: "Start",
    items: [
      page("First picture", "first-picture"),
      page("Examples", "examples"),
      page("Troubleshooting", "troubleshooting"),
    ],
  },
  {
    text: "Run",
    items: [
      page("Serve", "serve"),
      page("Clients", "clients"),
      page("In a page", "browser"),
      page("Model families", "families"),
      page("Precision and speed", "precision"),
    ],
  },
  {
    text: "Train",
    items: [
      page("Fine-tune on your pictures", "fine-tuning"),
      page("GRPO with your own reward", "grpo"),
      page("Data pipelines", "data-pipelines"),
      page("Your own modules", "own-modules"),
    ],
  },
  { text: "Evaluate", items: [page("Benchmarks", "evaluate"), page("Your own test set", "own-sets")] },
  { text: "Scale", items: [page("Beyond one machine", "scaling")] },
  {
    text: "Inside",
    items: [
      page("How the engine works", "how-it-works"),
      page("Add a model", "adding-a-model"),
      page("Architecture", "architecture"),
    ],
  },
];

function page(text: string, name: string) {
  return { text, link: `/${name}` };
}

export default defineConfig({
  title: "flashvl",
  description: "Run, serve, train and evaluate FlashVL vision-language models from TypeScript",
  cleanUrls: true,
  // Files beside the site (examples, recipes, results) are read in the repository.
  ignoreDeadLinks: [/^(\.\/)?\.\.\//, /^\.\/(native|bench|recipes)\//],
  themeConfig: {
    nav: [
      { text: "Guides", link: "/first-picture" },
      { text: "API", link: "/api/" },
    ],
    sidebar: guides,
    outline: [2, 3],
    search: { provider: "local" },
  },
  markdown: {
    config(md) {
      // ARCHITECTURE.md stands a folder above the pages that it links to.
      md.core.ruler.push("pages-of-this-site", ({ tokens }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const link = token.type === "link_open" && token.attrGet("href");
          if (link?.startsWith("docs/")) token.attrSet("href", link.replace("docs/", "./"));
        }
      });
    },
  },
  vite: { build: { chunkSizeWarningLimit: 4000 } },
});
