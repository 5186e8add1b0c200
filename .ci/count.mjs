// Adds vitest's JSON report and the static checks up to the closing line. A run that died, or ran nothing, is a failure.
import { readFileSync } from 'node:fs';

const [file, testCode, checksPassed, checksFailed] = process.argv.slice(2);
let report = {};
try {
  report = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  // vitest did not get as far as its report
}
const tests = { passed: report.numPassedTests ?? 0, failed: report.numFailedTests ?? 0 };
const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0);
// A file that does not load has no failed test, and neither has a run that ended by a signal.
if (Number(testCode) !== 0 && tests.failed === 0) tests.failed = Math.max(1, report.numFailedTestSuites ?? 0);
if (tests.passed === 0 && tests.failed === 0) tests.failed = 1;

const passed = tests.passed + Number(checksPassed);
const failed = tests.failed + Number(checksFailed);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
