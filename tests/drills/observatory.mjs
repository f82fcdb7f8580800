// Scores pages as MDN's HTTP Observatory does, with its own tests and its own table of points, on ports and paths of
// our choice: node observatory.mjs FOLDER HOST PATH... prints one line of JSON for each path.
//
// Two lines of its scanner are repeated here, since it takes no path: all modifiers are added to a hundred, those
// above nought only when the rest alone is at least ninety (scanner/index.js).

const [folder, host, ...paths] = process.argv.slice(2);
const source = `${folder}/node_modules/@mdn/mdn-http-observatory/src`;
const { retrieve } = await import(`${source}/retriever/retriever.js`);
const { ALL_TESTS } = await import(`${source}/constants.js`);
const { getGradeForScore, getScoreModifier } = await import(`${source}/grader/grader.js`);
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await import(`${source}/grader/charts.js`);

for (const path of paths) {
  const found = await retrieve(host, { path });
  const status = found.responses.auto?.status ?? 0;
  let all = 100;
  let without = 100;
  const points = {};
  for (const test of status ? ALL_TESTS : []) {
    const output = test(found);
    const modifier = getScoreModifier(output.result);
    points[output.constructor.name] = `${output.result} ${modifier}`;
    all += modifier;
    without += Math.min(modifier, 0);
  }
  const score = status ? (without >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? all : without) : 0;
  const { grade } = getGradeForScore(score);
  console.log(JSON.stringify({ path: path.replace(/[\w-]{43}/, "…"), status, score, grade, points }));
}
