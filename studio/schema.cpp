#include "studio/schema.h"

namespace ziplora::studio {

const std::vector<std::string>& schema_steps() {
  static const std::vector<std::string> steps = {R"sql(
CREATE TABLE folders(
  id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, files INTEGER NOT NULL DEFAULT 0, error TEXT);
CREATE TABLE jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT, verb TEXT NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL,
  place REAL NOT NULL DEFAULT 0, request TEXT NOT NULL, command TEXT NOT NULL DEFAULT '', resume INTEGER NOT NULL DEFAULT 0,
  worker INTEGER, created TEXT NOT NULL, started TEXT, finished TEXT, result TEXT, error TEXT);
CREATE INDEX jobs_by_state ON jobs(state, place);
CREATE TABLE adapters(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL,
  modified TEXT NOT NULL DEFAULT '', origin TEXT NOT NULL, folder INTEGER REFERENCES folders(id) ON DELETE CASCADE,
  job INTEGER, state TEXT NOT NULL, inspected TEXT, error TEXT, created TEXT NOT NULL);
CREATE TABLE images(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, path TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL,
  width INTEGER, height INTEGER, type TEXT NOT NULL, origin TEXT NOT NULL, job INTEGER, prompt TEXT, seed INTEGER,
  contender TEXT, place TEXT, created TEXT NOT NULL);
CREATE INDEX images_by_ballot ON images(prompt, seed);
CREATE TABLE votes(
  id INTEGER PRIMARY KEY AUTOINCREMENT, question TEXT NOT NULL, choice TEXT NOT NULL, left_image INTEGER NOT NULL,
  right_image INTEGER NOT NULL, left_contender TEXT NOT NULL, right_contender TEXT NOT NULL, prompt TEXT NOT NULL,
  seed INTEGER NOT NULL, swapped INTEGER NOT NULL, created TEXT NOT NULL, UNIQUE(question, left_image, right_image));
)sql",
                                                 R"sql(
CREATE TABLE evaluations(id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, job INTEGER, created TEXT NOT NULL);
ALTER TABLE images ADD COLUMN evaluation INTEGER REFERENCES evaluations(id) ON DELETE CASCADE;
ALTER TABLE images ADD COLUMN pair TEXT;
ALTER TABLE votes ADD COLUMN evaluation INTEGER;
CREATE INDEX images_by_evaluation ON images(evaluation);
)sql"};
  return steps;
}

}  // namespace ziplora::studio
