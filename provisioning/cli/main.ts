// strongroom <command>: finds the command in the table, reads its options, runs it.
import { parseArgs } from 'node:util';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { ConfigError } from '#appliance/platform/config/index.ts';
import { Problem } from '../supervisor/problem.ts';
import { bold, dim, red } from '../supervisor/screen.ts';
import type { Command, Values } from './command.ts';
import { COMMANDS } from './commands.ts';
import { openContext } from './context.ts';

/** sysexits.h EX_USAGE */
const EXIT_USAGE = 64;

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  const command = find(words);
  if (!command) return usage(words);
  const rest = words.slice(command.name.split(' ').length);
  if (rest.includes('--help')) return help(command);
  let parsed: { values: Values; positionals: string[] };
  try {
    parsed = parseArgs({ args: rest, options: command.options ?? {}, allowPositionals: true }) as typeof parsed;
  } catch (error) {
    process.stderr.write(`${messageOf(error).split('. ')[0]}.\n`);
    help(command);
    return EXIT_USAGE;
  }
  try {
    const context = openContext();
    try {
      return await command.run({ args: parsed.positionals, values: parsed.values, context });
    } finally {
      await context.close();
    }
  } catch (error) {
    const expected = error instanceof AppError || error instanceof Problem || error instanceof ConfigError;
    process.stderr.write(`${red(expected ? error.message : ((error as Error).stack ?? String(error)))}\n`);
    return 1;
  }
}

function find(words: string[]): Command | undefined {
  return [2, 1]
    .map((count) => words.slice(0, count).join(' '))
    .map((name) => COMMANDS.find((one) => one.name === name))
    .find(Boolean);
}

function usage(words: string[]): number {
  const asked = words.length === 0 || ['help', '--help', '-h'].includes(words[0]!);
  const out = asked ? process.stdout : process.stderr;
  if (!asked) out.write(`strongroom does not know "${words.join(' ')}".\n`);
  const width = Math.max(...COMMANDS.map((command) => title(command).length));
  out.write(`\n${bold('strongroom')} <command>\n\n`);
  for (const command of COMMANDS) out.write(`  ${title(command).padEnd(width)}  ${dim(command.summary)}\n`);
  out.write(`\n${dim('strongroom <command> --help tells more.')}\n`);
  return asked ? 0 : EXIT_USAGE;
}

function help(command: Command): number {
  process.stdout.write(`\n${bold(`strongroom ${title(command)}`)}\n${command.summary}\n`);
  for (const [name, option] of Object.entries(command.options ?? {})) {
    const value = option.type === 'string' ? ' …' : '';
    process.stdout.write(`  --${`${name}${value}`.padEnd(18)} ${dim(command.help?.[name] ?? '')}\n`);
  }
  return 0;
}

function title(command: Command): string {
  return command.args ? `${command.name} ${command.args}` : command.name;
}
