import type { ParseArgsConfig } from 'node:util';
import type { CliContext } from './context.ts';

export type Options = NonNullable<ParseArgsConfig['options']>;
export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

/** One command of `strongroom`. A domain may export one from its index.ts; commands.ts lists it. */
export interface Command {
  /** One or two words: `doctor`, `audit verify`. */
  name: string;
  summary: string;
  /** Words after the name, as help shows them: `FILE`, `[NAME]`. */
  args?: string;
  options?: Options;
  /** What each option means, for help. */
  help?: Record<string, string>;
  /** Resolves with the exit code; AppError and Problem become one sentence and code 1. */
  run(input: { args: string[]; values: Values; context: CliContext }): Promise<number>;
}
