/** An error as the program prints it: what was found, and what mends it. */
import { ApiError } from "../api/client";

export function asError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(0, thrown instanceof Error ? thrown.message : String(thrown), "reload this page; if it happens again, please report it");
}

interface Said {
  problem: string;
  hint?: string;
  where?: string;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");

export function ErrorNote({ error }: { error: Said | null | undefined }) {
  if (!error) return null;
  return (
    <div class="note bad" role="alert">
      <strong>{sentence(error.problem)}</strong>
      {error.where && <span class="small muted">{error.where}</span>}
      {error.hint && <span>{sentence(error.hint)}</span>}
    </div>
  );
}
