// Bundles src/ to dist/index.html: one file, script and style inside it, for the program to embed.
//
//     npm run build            once, minified
//     npm run build -- --watch again after each change
import { context } from "esbuild";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const watching = process.argv.includes("--watch");
const most = 300_000; // bytes of the compressed page, as its users download it

// In a script element, "</script" and "<!--" end or change what follows, even in a string.
const inScript = (code) => code.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");

function writePage(result) {
  if (result.errors.length) return;
  const output = (ending) => result.outputFiles.find((file) => file.path.endsWith(ending))?.text ?? "";
  // A function as replacement: "$&" in the code stays what it is.
  const page = readFileSync(join(here, "src/index.html"), "utf8")
    .replace("/* style */", () => output(".css").trim())
    .replace("/* script */", () => inScript(output(".js").trim()));
  mkdirSync(join(here, "dist"), { recursive: true });
  writeFileSync(join(here, "dist/index.html"), page);
  const compressed = gzipSync(page).length;
  console.log(`dist/index.html  ${(page.length / 1000).toFixed(0)} kB, ${(compressed / 1000).toFixed(0)} kB compressed`);
  if (compressed > most) throw new Error(`the page is ${compressed} bytes compressed, above ${most}`);
}

const building = await context({
  entryPoints: [join(here, "src/main.tsx")],
  outdir: join(here, "dist"),
  bundle: true,
  write: false,
  minify: !watching,
  target: ["es2021", "chrome100", "firefox100", "safari15"],
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  banner: { js: "/* Apache-2.0; with Preact, Preact Signals (MIT, © Jason Miller, Preact Team) and uPlot (MIT, © Leon Sorokin) */" },
  logLevel: "info",
  plugins: [{ name: "page", setup: (build) => build.onEnd(writePage) }],
});
if (watching) await building.watch();
else {
  const { errors } = await building.rebuild();
  await building.dispose();
  if (errors.length) process.exit(1);
}
