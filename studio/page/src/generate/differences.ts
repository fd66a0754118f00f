/** How the settings of two images differ, row by row. */

export type Settings = Record<string, unknown>;

const asText = (value: unknown): string => {
  if (value === undefined || value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

export interface Difference {
  name: string;
  left: string;
  right: string;
}

export function differences(left: Settings, right: Settings): Difference[] {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names
    .map((name) => ({ name, left: asText(left[name]), right: asText(right[name]) }))
    .filter((row) => row.left !== row.right);
}
