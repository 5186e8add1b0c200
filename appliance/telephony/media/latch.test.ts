import { describe, expect, it } from 'vitest';
import { Latch, type Verdict } from './latch.ts';

describe('which address a leg listens to', () => {
  const announced = (strict = false) => {
    const latch = new Latch();
    latch.strict = strict;
    latch.announce('192.0.2.1', 4000);
    return latch;
  };
  const verdicts = (latch: Latch, packets: [address: string, port: number, plausible?: boolean][]): Verdict[] =>
    packets.map(([address, port, plausible = true]) => {
      const verdict = latch.judge(address, port, plausible);
      if (verdict === 'lock') latch.lock(address, port);
      return verdict;
    });

  it('the announced host wins at once, from any port', () => {
    expect(
      verdicts(announced(), [
        ['192.0.2.1', 9999],
        ['192.0.2.1', 9999],
        ['192.0.2.1', 4000],
      ]),
    ).toEqual(['lock', 'known', 'stray']);
  });

  it('another host needs three packets in a row from one port', () => {
    const other = ['198.51.100.7', 5000] as [string, number];
    expect(verdicts(announced(), [other, other, ['198.51.100.7', 5001], other, other, other])).toEqual([
      'stray',
      'stray',
      'stray',
      'stray',
      'stray',
      'lock',
    ]);
  });

  it('what is no RTP of ours never locks', () => {
    expect(verdicts(announced(), [['192.0.2.1', 4000, false]])).toEqual(['stray']);
  });

  it('a trunk is where it said, or nowhere', () => {
    const other = ['198.51.100.7', 5000] as [string, number];
    expect(verdicts(announced(true), [other, other, other, other, ['192.0.2.1', 4000]])).toEqual([
      'stray',
      'stray',
      'stray',
      'stray',
      'lock',
    ]);
  });

  it('opened again, it sends where it did and listens to all', () => {
    const latch = announced();
    verdicts(latch, [['192.0.2.1', 9999]]);
    latch.open();
    expect([latch.address, latch.port, latch.locked]).toEqual(['192.0.2.1', 9999, false]);
    expect(verdicts(latch, [['192.0.2.1', 7777]])).toEqual(['lock']);
  });
});
