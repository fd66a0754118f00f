/** Who wins, with the interval that the votes leave. */
import type { Contender, Ranking } from "../api/types";
import { count } from "../parts/words";

const titles: Record<string, string> = { subject: "Subject", style: "Style", both: "Both" };

function Interval({ row, low, high }: { row: Contender; low: number; high: number }) {
  const at = (value: number) => `${(100 * (value - low)) / (high - low || 1)}%`;
  return (
    <div class="interval" role="img" aria-label={`strength ${row.strength.toFixed(2)}, from ${row.low.toFixed(2)} to ${row.high.toFixed(2)}`}>
      <span class="span" style={{ left: at(row.low), width: `${(100 * (row.high - row.low)) / (high - low || 1)}%` }} />
      <span class="mean" style={{ left: at(row.strength) }} />
    </div>
  );
}

function Question({ name, votes, contenders }: { name: string; votes: number; contenders: Contender[] }) {
  const low = Math.min(...contenders.map((row) => row.low));
  const high = Math.max(...contenders.map((row) => row.high));
  return (
    <section class="stack tight">
      <h3>
        {titles[name] ?? name} <span class="muted small">{count(votes, "vote")}</span>
      </h3>
      <div class="scroll" tabIndex={0} role="group" aria-label={`Ranking by ${titles[name] ?? name}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Merge</th>
              <th scope="col" class="number">Won</th>
              <th scope="col">Strength, 95 % interval</th>
            </tr>
          </thead>
          <tbody>
            {[...contenders].sort((a, b) => b.strength - a.strength).map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}</th>
                <td class="number">
                  {row.wins} of {row.votes}
                </td>
                <td>
                  <Interval row={row} low={low} high={high} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function RankingTable({ ranking }: { ranking: Ranking }) {
  const asked = Object.entries(ranking.questions).filter(([, { votes }]) => votes > 0);
  if (asked.length === 0) return <p class="muted">The ranking appears with the first vote.</p>;
  return (
    <div class="stack">
      {asked.map(([name, { votes, contenders }]) => (
        <Question key={name} name={name} votes={votes} contenders={contenders} />
      ))}
    </div>
  );
}
