import { describe, expect, it } from 'vitest';
import { decodeCsv, readCsv, writeCsv } from './csv.ts';
import { type Existing, planImport, strangers } from './plan.ts';

describe('a CSV file', () => {
  it.each([
    ['commas', 'a,b\r\n1,2\r\n'],
    ['semicolons', 'a;b\n1;2'],
    ['tabs and a byte order mark', '\uFEFFa\tb\n\n1\t2\n'],
    ['quotes', '"a","b"\n"1", "2"'],
    ['the line ends of old machines', 'a,b\r1,2\r'],
  ])('with %s is read', (_, file) => expect(readCsv(file)).toMatchObject({ header: ['a', 'b'], rows: [['1', '2']] }));
  it('keeps separators, quotes and line ends inside quotes', () =>
    expect(readCsv('a;b\n"x;""y""\nz";2').rows).toEqual([['x;"y"\nz', '2']]));
  it('may be empty', () => expect(readCsv('')).toMatchObject({ header: [], rows: [] }));
  it('names the line of a quote that never ends', () => {
    expect(readCsv('a,b\n1,2\n"3,4\n5,6\n').openQuote).toBe(3);
    expect(readCsv('a,b\n"1",2').openQuote).toBeUndefined();
  });
  it.each([
    ['UTF-8', new TextEncoder().encode('Größe')],
    ['the old Windows letters', Uint8Array.of(0x47, 0x72, 0xf6, 0xdf, 0x65)],
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 0x47, 0, 0x72, 0, 0xf6, 0, 0xdf, 0, 0x65, 0)],
  ])('in %s is understood', (_, bytes) => expect(decodeCsv(bytes)).toBe('Größe'));
  it('of fifty thousand rows is read and planned in a moment; what is beyond is told', () => {
    const file = `username,displayName\n${Array.from({ length: 50_000 }, (_, i) => `user${i},"User, ${i}"\n`).join('')}`;
    const began = performance.now();
    const table = readCsv(file);
    const rows = planImport('users', table, [], { flows: new Map(), queues: new Map() });
    expect(performance.now() - began).toBeLessThan(3000);
    expect(rows).toHaveLength(50_000);
    expect(rows.at(-1)).toMatchObject({ how: 'new', fields: { displayName: 'User, 49999' } });
    expect(table.dropped).toBe(false);
    expect(readCsv(`${file}more,More\n`)).toMatchObject({ dropped: true });
  });
  it('that we write runs nothing in a spreadsheet, and reads back as it was', () => {
    const rows = [
      ['number', 'name'],
      ['+15550100', '=cmd|"/c calc"!A0'],
      ['@x', '-x;2'],
    ];
    const file = writeCsv(rows);
    expect(file).not.toMatch(/(^|[,\n"])([=@]|[+-][^\d])/);
    const { header, rows: back } = readCsv(file);
    expect([header, ...back]).toEqual(rows);
  });
});

const lookups = { flows: new Map([['main line', 'f1']]), queues: new Map([['sales', 'q1']]) };
const did: Existing = { id: 'd1', version: 3, number: '+15550100', name: 'Main', flowId: 'f1', queueId: null };
const plan = (file: string, existing: Existing[] = []) => planImport('numbers', readCsv(file), existing, lookups);

describe('an import of numbers', () => {
  it('makes what is new, changes what differs, leaves what is the same', () => {
    const rows = plan('Number,Name,Flow,Queue\n+15550100,Main,Main line,\n+15550100x,,,Sales\n', [did]);
    expect(rows.map(({ how, fields }) => ({ how, fields }))).toEqual([
      { how: 'same', fields: {} },
      { how: 'new', fields: { number: '+15550100x', queueId: 'q1' } },
    ]);
  });
  it('leads a number elsewhere by taking the other target away', () => {
    expect(plan('number,queue\n+15550100,SALES', [did])).toMatchObject([
      { how: 'change', fields: { queueId: 'q1', flowId: null }, from: { queueId: null, flowId: 'f1' } },
    ]);
  });
  it.each([
    ['a queue that is not there', 'number,queue\n+1,Nowhere', 'unknown'],
    ['both targets', 'number,queue,flow\n+1,Sales,Main line', 'target'],
    ['no target', 'number\n+1', 'target'],
    ['the same number twice', 'number,queue\n+1,Sales\n+1,Sales', 'twice'],
    ['no number', 'number,queue\n,Sales', 'missing'],
  ])('refuses %s', (_, file, kind) => expect(plan(file).at(-1)).toMatchObject({ how: 'wrong', problems: [{ kind }] }));
  it('names columns that mean nothing', () =>
    expect(strangers('numbers', ['Number', 'Colour', ''])).toEqual(['Colour']));
});

it('an import of queues reads percent, decimal commas and yes in two languages', () => {
  const [row] = planImport(
    'queues',
    readCsv('name;Service level target;Answer within s;active\nSales;85,5 %;20;ja'),
    [],
    lookups,
  );
  expect(row).toMatchObject({
    how: 'new',
    fields: { name: 'Sales', serviceLevelTarget: 0.855, answerWithinS: 20, active: true },
  });
});
