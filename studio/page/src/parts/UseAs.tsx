/** Takes a file to the Merge page, as its subject or as its style. */
import { takeAs } from "../state/merge";

interface Props {
  adapter: number; // its id
  word: "Use" | "Merge"; // what the button begins with
  small?: boolean;
}

export function UseAs({ adapter, word, small }: Props) {
  return (
    <>
      {(["subject", "style"] as const).map((role) => (
        <button key={role} type="button" class={small ? "button small" : "button"} onClick={() => takeAs(role, adapter)}>
          {word} as {role}
        </button>
      ))}
    </>
  );
}
