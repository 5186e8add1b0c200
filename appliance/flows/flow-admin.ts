import type { FlowDocument, FlowDocumentInput, FlowProblem } from '#appliance/contract/flow.ts';
import { flowDocument } from '#appliance/contract/flow.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { diffFlows, type FlowDifference } from './diff.ts';
import { type FlowRow, type FlowStore, type FlowVersionRow, flowStore } from './flow-store.ts';
import type { Prompts } from './prompts.ts';
import { runFlowInText, type TextRun, type TextRunOptions } from './text-run.ts';
import { type FlowReferences, hasErrors, validateFlow } from './validate.ts';

/** Names of what other rooms own, so that a document can be checked against it. */
export interface ReferenceSource {
  queues(): Promise<{ id: string; name: string }[]>;
  skills(): Promise<{ id: string; name: string }[]>;
}

export type FlowAdmin = ReturnType<typeof createFlowAdmin>;

/** What a new flow begins with. */
export const EMPTY_FLOW: FlowDocumentInput = {
  schema: 1,
  start: 'answer',
  language: 'en',
  steps: {
    answer: { type: 'answer', next: 'goodbye' },
    goodbye: { type: 'play', say: [{ prompt: 'goodbye' }], next: 'end' },
    end: { type: 'hangup' },
  },
};

const MAX_DOCUMENT_BYTES = 512 * 1024;

/** Flows as administrators draw them: drafts, checks, versions. */
export function createFlowAdmin({
  db,
  prompts,
  references,
}: {
  db: Database;
  prompts: Prompts;
  references: ReferenceSource;
}) {
  const store: FlowStore = flowStore(db);

  async function known(): Promise<
    FlowReferences & {
      nameOf: Map<string, string>;
      hoursById: Map<string, Awaited<ReturnType<FlowStore['allHours']>>[number]>;
    }
  > {
    const [queues, skills, hours, hosts] = await Promise.all([
      references.queues(),
      references.skills(),
      store.allHours(),
      store.allHosts(),
      prompts.load(),
    ]);
    return {
      prompts: prompts.names(),
      queues: new Set(queues.map(({ id }) => id)),
      skills: new Set(skills.map(({ id }) => id)),
      hours: new Set(hours.map(({ id }) => id)),
      hosts: hosts.map(({ host, plainHttp }) => ({ host, plainHttp, headers: {} })),
      nameOf: new Map([...queues, ...skills, ...hours].map(({ id, name }) => [id, name])),
      hoursById: new Map(hours.map((row) => [row.id, row])),
    };
  }

  async function existing(reference: string): Promise<FlowRow> {
    const row = await store.find(reference);
    if (!row) throw new AppError('not-found', 'not-found', `There is no flow "${reference.slice(0, 100)}".`);
    return row;
  }

  async function versionOf(flowId: string, number: number): Promise<FlowVersionRow> {
    const row = await store.version(flowId, number);
    if (!row) throw new AppError('not-found', 'version-unknown', `This flow has no version ${number}.`);
    return row;
  }

  async function check(document: unknown): Promise<{ document?: FlowDocument; problems: FlowProblem[] }> {
    return validateFlow(document, await known());
  }

  async function checked(input: unknown, what: string): Promise<FlowDocument> {
    const { document, problems } = await check(input);
    if (!document || hasErrors(problems)) {
      const errors = problems.filter(({ severity }) => severity === 'error');
      const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
      throw new AppError('invalid', 'flow-invalid', `The flow cannot be ${what}: ${errors[0]?.message}${more}`, {
        problems,
      });
    }
    return document;
  }

  return {
    store,
    check,
    existing,

    /** Drafts may be unfinished; they are kept as drawn, together with what is still wrong. */
    async saveDraft(
      id: string,
      version: number,
      document: unknown,
    ): Promise<{ row: FlowRow; problems: FlowProblem[] }> {
      assertDraft(document);
      const row = await store.flows.update(id, version, { draft: document });
      return { row, problems: (await check(document)).problems };
    },

    /** Calls that arrive from now on get the draft; calls in progress stay on their version. */
    async publish(
      id: string,
      { version, note, by }: { version: number | undefined; note: string | null; by: string | null },
    ): Promise<FlowVersionRow> {
      const row = await existing(id);
      const document = await checked(row.draft, 'published');
      return store.publish({ id: row.id, version: version ?? row.version }, { document, note, by });
    },

    /** An earlier version serves new calls again. The draft stays as it is. */
    async rollBack(id: string, number: number, version: number | undefined): Promise<FlowVersionRow> {
      const row = await existing(id);
      const earlier = await versionOf(row.id, number);
      await checked(earlier.document, 'taken back');
      await store.pointTo({ id: row.id, version: version ?? row.version }, earlier.id);
      return earlier;
    },

    versionOf,

    async diff(id: string, from: number | 'draft', to: number | 'draft'): Promise<FlowDifference> {
      const row = await existing(id);
      const read = async (which: number | 'draft'): Promise<FlowDocument> => {
        const parsed = flowDocument.safeParse(
          which === 'draft' ? row.draft : (await versionOf(row.id, which)).document,
        );
        if (!parsed.success)
          throw new AppError(
            'invalid',
            'draft-unfinished',
            'The draft cannot be compared while steps of it are incomplete.',
          );
        return parsed.data;
      };
      return diffFlows(await read(from), await read(to));
    },

    /** A run in text: of the draft, of a version, or of a document that is not stored. */
    async test(
      reference: string,
      which: 'draft' | 'published' | number | { document: unknown },
      options: Omit<TextRunOptions, 'hours' | 'promptText' | 'nameOf'>,
    ): Promise<TextRun & { problems: FlowProblem[] }> {
      const row = await existing(reference);
      const input =
        typeof which === 'object'
          ? which.document
          : which === 'draft'
            ? row.draft
            : which === 'published'
              ? row.publishedVersionId && (await store.versionById(row.publishedVersionId))?.document
              : (await versionOf(row.id, which)).document;
      if (!input) throw new AppError('conflict', 'flow-not-published', 'No version of this flow is published.');
      const facts = await known();
      const { document, problems } = validateFlow(input, facts);
      // A loop that never waits would only show that it never waits.
      if (!document || problems.some(({ code }) => code === 'start-unknown')) await checked(input, 'run');
      const run = await runFlowInText(document!, {
        ...options,
        hours: (id) => facts.hoursById.get(id),
        promptText: (name, language) => prompts.item(name, language)?.text,
        nameOf: (id) => facts.nameOf.get(id),
      });
      return { ...run, problems };
    },
  };
}

export function assertDraft(document: unknown): void {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new AppError('invalid', 'bad-draft', 'A draft is a JSON object.');
  if (JSON.stringify(document).length > MAX_DOCUMENT_BYTES)
    throw new AppError('invalid', 'too-large', 'The flow is larger than 512 kB. Split it into several flows.');
  if (JSON.stringify(document).includes('\\u0000'))
    throw new AppError('invalid', 'bad-draft', 'A draft holds no NUL characters.');
}
