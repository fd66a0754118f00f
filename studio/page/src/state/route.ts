/** Where the user is: the address after '#', as "/generate/compare" with "?left=…" behind it. */
import { computed, signal } from "@preact/signals";

const read = () => location.hash.replace(/^#/, "") || "/library";
const address = signal(read());

addEventListener("hashchange", () => {
  address.value = read();
});

export const path = computed(() => address.value.split("?")[0]!.split("/").filter(Boolean));
export const query = computed(() => new URLSearchParams(address.value.split("?")[1] ?? ""));

export function go(to: string) {
  location.hash = to;
}

export const link = (to: string) => `#${to}`;
