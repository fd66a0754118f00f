/** Light or dark: the system's choice until the user makes one, which is kept in this browser. */
import { effect, signal } from "@preact/signals";

const key = "ziplora-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
const chosen = signal<string | null>(localStorage.getItem(key));

system.addEventListener("change", (event) => (systemIsDark.value = event.matches));

export const isDark = () => (chosen.value ? chosen.value === "dark" : systemIsDark.value);

export function switchTheme() {
  chosen.value = isDark() ? "light" : "dark";
  localStorage.setItem(key, chosen.value);
}

effect(() => {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
});
