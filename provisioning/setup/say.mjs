// Plain JavaScript without packages: everything in this folder runs before `npm ci` has.
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);

/** Something a person can put right: one sentence that says what is wrong and what to do. */
export class Problem extends Error {}

/** Prints the sentence, or the stack of a bug, and ends. */
export function giveUp(error) {
  process.stderr.write(`\n${red(error instanceof Problem ? error.message : (error?.stack ?? String(error)))}\n`);
  process.exit(1);
}

/** Shows a step while it works and how long it took. Steps that had nothing to do say nothing. */
export async function step(name, work) {
  const from = Date.now();
  const turning = process.stdout.isTTY
    ? setInterval(() => process.stdout.write(`\r${dim(`… ${name} ${seconds(Date.now() - from)}`)}\x1b[K`), 200)
    : undefined;
  if (!turning) process.stdout.write(`… ${name}\n`);
  try {
    const result = await work();
    clearInterval(turning);
    if (turning) process.stdout.write('\r\x1b[K');
    process.stdout.write(`${green('✓')} ${name} ${dim(seconds(Date.now() - from))}\n`);
    return result;
  } catch (error) {
    clearInterval(turning);
    if (turning) process.stdout.write('\r\x1b[K');
    process.stdout.write(`${red('✗')} ${name}\n`);
    throw error;
  }
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
