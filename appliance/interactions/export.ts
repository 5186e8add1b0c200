import { Readable } from 'node:stream';
import type { InteractionView } from '#appliance/contract/work.ts';
import type { Interactions } from './index.ts';
import { csvCell } from './search.ts';
import type { InteractionFilter } from './store.ts';

/** More than this is a job for a database, not for a spreadsheet. */
export const MOST_EXPORTED = 100_000;
const PAGE = 500;

const COLUMNS: readonly [string, (one: InteractionView) => string | null][] = [
  ['id', (one) => one.id],
  ['began', (one) => one.createdAt],
  ['answered', (one) => one.answeredAt],
  ['ended', (one) => one.endedAt],
  ['channel', (one) => one.channel],
  ['direction', (one) => one.direction],
  ['state', (one) => one.state],
  ['from', (one) => one.from],
  ['to', (one) => one.to],
  ['customer', (one) => one.customer?.name ?? null],
  ['queue', (one) => one.queueName],
  ['agent', (one) => one.agentName],
  ['disposition', (one) => one.disposition],
  ['end_reason', (one) => one.endReason],
  ['notes', (one) => one.notes],
];

/** What a filter finds as CSV, page by page: a hundred thousand rows need no more memory than five hundred. */
export function exportCsv(interactions: Pick<Interactions, 'list'>, filter: InteractionFilter): Readable {
  return Readable.from(lines(interactions, filter), { objectMode: false });
}

async function* lines(interactions: Pick<Interactions, 'list'>, filter: InteractionFilter): AsyncGenerator<string> {
  // The mark makes spreadsheets read it as UTF-8.
  yield `\uFEFF${COLUMNS.map(([name]) => name).join(',')}\r\n`;
  let cursor: string | undefined;
  for (let rows = 0; rows < MOST_EXPORTED; ) {
    const page = await interactions.list({ ...filter, limit: PAGE, cursor });
    yield page.items.map((one) => `${COLUMNS.map(([, of]) => csvCell(of(one))).join(',')}\r\n`).join('');
    rows += page.items.length;
    if (!page.next) return;
    cursor = page.next;
  }
}
