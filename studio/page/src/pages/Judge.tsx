/** Which merge is the better one: by eye, in blind votes, or by scores, on many pairs. */
import { useEffect, useState } from "preact/hooks";

import { address, type ApiError, get, post } from "../api/client";
import type { Ballot, Ranking } from "../api/types";
import { Evaluate } from "../evaluate/Evaluate";
import { BallotView, type Choice } from "../judge/BallotView";
import { RankingTable } from "../judge/RankingTable";
import { Sources } from "../judge/Sources";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { count } from "../parts/words";
import { ofSource, source } from "../state/evaluations";
import { kept } from "../state/kept";
import { link, path } from "../state/route";
import { images } from "../state/server";

const questions: Record<string, string> = {
  subject: "Which shows the subject better?",
  style: "Which shows the style better?",
  both: "Which shows both better?",
};
const question = kept<string>("question", "both");

/** Asks for a ballot, and for another after each vote. Null: there is none. */
function useBallots() {
  const [ballot, setBallot] = useState<Ballot | null | undefined>(undefined);
  const [ranking, setRanking] = useState<Ranking | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const next = async () => {
    try {
      setRanking(await get<Ranking>(`/ranking${ofSource()}`));
      setBallot((await get<Ballot | undefined>(`/ballots/next${ofSource()}`)) ?? null);
    } catch (thrown) {
      const said = asError(thrown);
      setBallot(null);
      setError(said.status === 404 ? null : said);
    }
  };
  useEffect(() => void next(), [images.value, source.value]);
  const vote = async (choice: Choice) => {
    if (!ballot) return;
    setBallot(undefined); // one vote for one ballot, however fast the key is pressed
    try {
      await post("/votes", { ballot: ballot.ballot, question: question.value, choice });
    } catch (thrown) {
      setError(asError(thrown));
    }
    await next();
  };
  return { ballot, ranking, error, vote };
}

function Questions() {
  return (
    <fieldset class="row">
      <legend class="sr">Question</legend>
      {Object.entries(questions).map(([name, text]) => (
        <label key={name} class="check">
          <input type="radio" name="question" checked={question.value === name}
            onChange={(event) => ((question.value = name), event.currentTarget.blur())} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

function NothingToJudge() {
  return (
    <Empty icon="judge" title="Nothing to judge yet">
      <p>A vote needs two images of one prompt and one seed, drawn with two different merges.</p>
      <p>
        Merge two files: the sheet beside the direct merge can be judged at once. Or draw a grid of prompts or seeds over several files.
      </p>
      <div class="row">
        <a class="button main" href={link("/merge")}>
          Merge two files
        </a>
        <a class="button" href={link("/generate/grid")}>
          Draw a grid
        </a>
      </div>
    </Empty>
  );
}

function Exports() {
  return (
    <div class="row">
      <a class="button" href={address("/votes.csv")} download="votes.csv">
        <Icon name="download" /> Votes as CSV
      </a>
      <a class="button" href={address("/evidence.zip")} download="evidence.zip" title="The images, the votes and the ranking in one ZIP file, to show to others">
        <Icon name="download" /> Evidence
      </a>
    </div>
  );
}

function Votes() {
  const { ballot, ranking, error, vote } = useBallots();
  const hasVotes = Object.values(ranking?.questions ?? {}).some(({ votes }) => votes > 0);
  return (
    <>
      <p class="muted">Two images of the same prompt and seed, from two merges. Which is which stays hidden until you have voted.</p>
      <Sources />
      <ErrorNote error={error} />
      {ballot === null && !hasVotes ? (
        <NothingToJudge />
      ) : (
        <div class="two">
          <section class="card stack" aria-label="Ballot">
            <Questions />
            {ballot && <BallotView ballot={ballot} question={questions[question.value] ?? questions.both!} vote={(choice) => void vote(choice)} />}
            {ballot === null && <p class="muted">Every pair has been judged. Draw more images for more votes.</p>}
            <p class="small muted" aria-live="polite">
              {ballot && `${count(ballot.votes, "vote")} so far`}
            </p>
          </section>
          <section class="card stack" aria-label="Ranking">
            <h2>Ranking</h2>
            {ranking && <RankingTable ranking={ranking} />}
            <Exports />
          </section>
        </div>
      )}
    </>
  );
}

const views = { vote: "Vote", compare: "Compare" };

export function Judge() {
  const view = path.value[1] === "compare" ? "compare" : "vote";
  return (
    <>
      <div class="head">
        <h1>Judge</h1>
      </div>
      <nav class="tabs" aria-label="Views">
        {Object.entries(views).map(([name, title]) => (
          <a key={name} href={link(`/judge/${name}`)} aria-current={name === view ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {view === "vote" ? <Votes /> : <Evaluate />}
    </>
  );
}
