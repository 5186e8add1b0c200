import { expect, it } from 'vitest';
import { readScript } from './script.ts';

const fields = { caller: 'Flower **shop**', queue: 'Sales', agent: 'Alice' };
const plain = (text: string) => ({ text, bold: false });

it('reads heads, paragraphs and lists', () => {
  expect(readScript('# Hello\nGood day,\n{caller}.\n\n- one\n- two\nThe end', fields)).toEqual([
    { kind: 'head', pieces: [plain('Hello')] },
    { kind: 'text', pieces: [plain('Good day, Flower **shop**.')] },
    { kind: 'list', items: [[plain('one')], [plain('two')]] },
    { kind: 'text', pieces: [plain('The end')] },
  ]);
});

it('fills in who speaks, and takes no markup from a name', () => {
  expect(readScript('**{queue}**, {agent} speaking. {other}', fields)).toEqual([
    { kind: 'text', pieces: [{ text: 'Sales', bold: true }, plain(', Alice speaking. {other}')] },
  ]);
});

it('is nothing when nothing is written', () => expect(readScript(' \n\n', fields)).toEqual([]));
