/** Two images of one prompt and seed, from two merges; which is which stays hidden. */
import { useEffect, useRef } from "preact/hooks";

import { address } from "../api/client";
import type { Ballot } from "../api/types";
import { imageOf } from "../state/server";

export type Choice = "left" | "right" | "tie";

const keys: Record<string, Choice> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "tie" };
const takesArrows = /^(INPUT|SELECT|TEXTAREA)$/;

interface Props {
  ballot: Ballot;
  question: string;
  vote: (choice: Choice) => void;
}

export function BallotView({ ballot, question, vote }: Props) {
  const latest = useRef(vote);
  latest.current = vote;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const choice = keys[event.key];
      if (!choice || event.repeat || event.ctrlKey || event.altKey || event.metaKey || takesArrows.test((event.target as Element).tagName)) return;
      event.preventDefault();
      latest.current(choice);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const small = Math.max(imageOf(ballot.left)?.width ?? 0, imageOf(ballot.right)?.width ?? 0) <= 128;
  const side = (choice: "left" | "right", id: number, key: string) => (
    <button type="button" onClick={() => vote(choice)} aria-label={`The ${choice} one`}>
      <img class={small ? "sharp" : ""} src={address(`/images/${id}/file`)} alt="" />
      <span>
        <kbd>{key}</kbd> {choice === "left" ? "Left" : "Right"}
      </span>
    </button>
  );
  return (
    <div class="stack">
      <p class="row apart">
        <strong>{question}</strong>
        <span class="muted wrap">
          “{ballot.prompt}”, seed {ballot.seed}
        </span>
      </p>
      <div class="ballot">
        {side("left", ballot.left, "←")}
        {side("right", ballot.right, "→")}
      </div>
      <button type="button" class="button big" onClick={() => vote("tie")}>
        <kbd>↑</kbd> No difference
      </button>
    </div>
  );
}
