import { createFlowAdmin, createPrompts } from '#appliance/flows/index.ts';
import { Problem } from '../supervisor/problem.ts';
import type { Command } from './command.ts';

export const flowRun: Command = {
  name: 'flow run',
  args: 'FLOW',
  summary: 'Run a flow in text, without a call: what a caller would hear and where it ends',
  options: {
    digits: { type: 'string', multiple: true },
    from: { type: 'string' },
    at: { type: 'string' },
    draft: { type: 'boolean' },
  },
  help: {
    digits: 'what the caller types, one --digits for each question',
    from: "the caller's number",
    at: 'a time instead of now, such as 2026-12-24T20:00',
    draft: 'the draft instead of the published version',
  },
  async run({ args, values, context }) {
    const name = args.join(' ');
    if (!name) throw new Problem('Give the name of a flow.');
    const at = values.at === undefined ? undefined : new Date(String(values.at));
    if (at && Number.isNaN(at.getTime())) throw new Problem('--at must be a time such as 2026-12-24T20:00.');
    const db = await context.db();
    const prompts = createPrompts({ db, dir: context.config.paths.prompts, log: context.log });
    const references = {
      queues: async () => db('queue').select('id', 'name'),
      skills: async () => db('skill').select('id', 'name'),
    };
    const flows = createFlowAdmin({ db, prompts, references });
    const run = await flows.test(name, values.draft ? 'draft' : 'published', {
      digits: ((values.digits as string[] | undefined) ?? []).map(String),
      ...(values.from === undefined ? {} : { from: String(values.from) }),
      ...(at ? { at } : {}),
    });
    for (const line of run.lines) context.print(line);
    context.print();
    context.print(`Steps: ${run.path.map(({ step, edge }) => (edge ? `${step} (${edge})` : step)).join(' → ')}`);
    for (const problem of run.problems) context.print(`${problem.step ?? 'flow'}: ${problem.message}`);
    return 0;
  },
};
