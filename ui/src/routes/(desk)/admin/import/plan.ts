// What an import would do, before it does it. Pure.

export type What = 'users' | 'numbers' | 'queues';
export type Existing = { id: string; version: number } & Record<string, unknown>;
export interface Lookups {
  flows: ReadonlyMap<string, string>;
  queues: ReadonlyMap<string, string>;
}
export type Problem =
  | { kind: 'missing'; field: string }
  | { kind: 'value'; field: string; value: string }
  | { kind: 'unknown'; field: string; value: string }
  | { kind: 'twice'; value: string }
  | { kind: 'target' };
export interface PlannedRow {
  /** In the file, the header being line 1. */
  line: number;
  key: string;
  how: 'new' | 'change' | 'same' | 'wrong';
  fields: Record<string, unknown>;
  from: Record<string, unknown>;
  problems: Problem[];
  existing: Existing | undefined;
}

type Kind = 'text' | 'yes' | 'number' | 'share' | 'flow' | 'queue' | 'lower' | { one: readonly string[] };
interface Column {
  kind: Kind;
  /** The field of the API when it is another. */
  as?: string;
}
interface Spec {
  path: string;
  key: string;
  required: readonly string[];
  columns: Record<string, Column>;
}
const text: Column = { kind: 'text' };
const number: Column = { kind: 'number' };

export const IMPORTS: Record<What, Spec> = {
  users: {
    path: '/users',
    key: 'username',
    required: ['username', 'displayName'],
    columns: {
      username: { kind: 'lower' },
      displayName: text,
      role: { kind: { one: ['agent', 'supervisor', 'admin', 'auditor'] } },
      password: text,
      language: text,
      timeZone: text,
      active: { kind: 'yes' },
    },
  },
  numbers: {
    path: '/dids',
    key: 'number',
    required: ['number'],
    columns: {
      number: text,
      name: text,
      flow: { kind: 'flow', as: 'flowId' },
      queue: { kind: 'queue', as: 'queueId' },
      language: text,
    },
  },
  queues: {
    path: '/queues',
    key: 'name',
    required: ['name'],
    columns: {
      name: text,
      description: text,
      strategy: { kind: { one: ['longest-idle', 'fewest-handled', 'round-robin', 'most-skilled', 'ring-all'] } },
      priority: number,
      answerWithinS: number,
      serviceLevelTarget: { kind: 'share' },
      offerTimeoutS: number,
      wrapUpS: number,
      active: { kind: 'yes' },
    },
  },
};

/** Columns of the file that mean nothing here. */
export function strangers(what: What, header: readonly string[]): string[] {
  return header.filter((name) => name !== '' && columnOf(what, name) === undefined);
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, '');
function columnOf(what: What, name: string): string | undefined {
  return Object.keys(IMPORTS[what].columns).find((column) => plain(column) === plain(name));
}

/** A field that the file leaves empty is left as it is. */
export function planImport(
  what: What,
  { header, rows }: { header: string[]; rows: string[][] },
  existing: readonly Existing[],
  lookups: Lookups,
): PlannedRow[] {
  const spec = IMPORTS[what];
  const names = header.map((name) => columnOf(what, name));
  const known = new Map(existing.map((one) => [String(one[spec.key]).toLowerCase(), one]));
  const seen = new Set<string>();
  return rows.map((cells, index) => {
    const given = Object.fromEntries(
      names.flatMap((name, at) => (name && cells[at] ? [[name, cells[at]]] : [])),
    ) as Record<string, string>;
    const problems: Problem[] = [];
    const fields: Record<string, unknown> = {};
    for (const [name, cell] of Object.entries(given)) {
      const column = spec.columns[name]!;
      const value = cellValue(column.kind, cell, lookups);
      if (value === undefined)
        problems.push({
          kind: column.kind === 'flow' || column.kind === 'queue' ? 'unknown' : 'value',
          field: name,
          value: cell,
        });
      else fields[column.as ?? name] = value;
    }
    const key = String(fields[spec.key] ?? given[spec.key] ?? '');
    const there = known.get(key.toLowerCase());
    for (const field of there ? [spec.key] : spec.required)
      if (!given[field]) problems.push({ kind: 'missing', field });
    if (key && seen.has(key.toLowerCase())) problems.push({ kind: 'twice', value: key });
    seen.add(key.toLowerCase());
    if (what === 'numbers') target(fields, there, problems);
    const changed = there
      ? Object.fromEntries(Object.entries(fields).filter(([name, value]) => there[name] !== value))
      : fields;
    const how = problems.length > 0 ? 'wrong' : !there ? 'new' : Object.keys(changed).length > 0 ? 'change' : 'same';
    return {
      line: index + 2,
      key,
      how,
      fields: changed,
      from: there ? Object.fromEntries(Object.keys(changed).map((name) => [name, there[name]])) : {},
      problems,
      existing: there,
    };
  });
}

/** A number leads to a flow or to a queue, never to both: naming the one takes the other away. */
function target(fields: Record<string, unknown>, there: Existing | undefined, problems: Problem[]): void {
  if (fields.flowId && fields.queueId) problems.push({ kind: 'target' });
  else if (fields.flowId && there?.queueId) fields.queueId = null;
  else if (fields.queueId && there?.flowId) fields.flowId = null;
  else if (!there && !fields.flowId && !fields.queueId && problems.length === 0) problems.push({ kind: 'target' });
}

function cellValue(kind: Kind, cell: string, { flows, queues }: Lookups): unknown {
  if (typeof kind === 'object') return kind.one.includes(cell.toLowerCase()) ? cell.toLowerCase() : undefined;
  switch (kind) {
    case 'text':
      return cell;
    case 'lower':
      return cell.toLowerCase();
    case 'yes':
      return /^(yes|true|1|ja|x)$/i.test(cell) ? true : /^(no|false|0|nein)$/i.test(cell) ? false : undefined;
    case 'number':
      return decimal(cell);
    case 'share': {
      const value = decimal(cell.replace('%', '').trim());
      return value === undefined ? undefined : value > 1 || cell.includes('%') ? value / 100 : value;
    }
    case 'flow':
      return flows.get(cell.toLowerCase());
    case 'queue':
      return queues.get(cell.toLowerCase());
  }
}

function decimal(cell: string): number | undefined {
  const value = Number(cell.replace(',', '.'));
  return cell !== '' && Number.isFinite(value) ? value : undefined;
}
