import { describe, expect, it } from 'vitest';
import { bdecode, bencode } from './bencode.ts';

describe('bencode', () => {
  it('gives back what it was given', () => {
    const value = { command: 'offer', sdp: 'v=0\r\nö', flags: ['a', 'b'], n: -5, deep: { x: [1, ['y']] } };
    expect(bdecode(bencode(value))).toEqual(value);
  });

  it.each(['', 'd', 'i5', 'ie', '5:abc', '99999999:x', 'd1:a', 'li5e', 'x', `${'l'.repeat(100)}${'e'.repeat(100)}`])(
    'refuses %j without hanging',
    (text) => {
      expect(() => bdecode(Buffer.from(text))).toThrow();
    },
  );
});
