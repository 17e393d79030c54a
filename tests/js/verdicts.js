// Says of every outline that comes in as JSON what the page finds wrong with it: its code and sides.
// `tests/zones/test_page_rules.py` compares that with what the server finds.

import { readFileSync } from 'node:fs';

import { outlineProblem } from '../../static/js/lib/polygon.js';

const verdicts = JSON.parse(readFileSync(0, 'utf8')).map((corners) => {
  const problem = outlineProblem(corners);
  return problem && { code: problem.code, sides: problem.sides };
});
console.log(JSON.stringify(verdicts));
