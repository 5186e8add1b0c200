import { describe, expect, it } from 'vitest';
import { StreamFraming } from './framing.ts';

const one = Buffer.from('OPTIONS sip:a SIP/2.0\r\nVia: x\r\nContent-Length: 5\r\n\r\nhello');
const two = Buffer.from('SIP/2.0 200 OK\r\nl:0\r\n\r\n');
const three = Buffer.from('BYE sip:a SIP/2.0\r\nVia: x\r\n\r\n');
const stream = Buffer.concat([one, two, Buffer.from('\r\n\r\n'), three, one]);
const expected = [one, two, 'ping', three, one].map(String);

const read = (framing: StreamFraming, chunk: Buffer) =>
  framing.push(chunk).map((frame) => (frame.kind === 'ping' ? 'ping' : frame.data.toString()));

describe('framing of a stream', () => {
  it('finds the same messages wherever the reads are split', () => {
    for (let at = 0; at <= stream.length; at++) {
      const framing = new StreamFraming();
      expect(
        [...read(framing, stream.subarray(0, at)), ...read(framing, stream.subarray(at))],
        `split at ${at}`,
      ).toEqual(expected);
      expect(framing.pending).toBe(0);
    }
  });

  it('finds them byte by byte', () => {
    const framing = new StreamFraming();
    expect([...stream].flatMap((byte) => read(framing, Buffer.of(byte)))).toEqual(expected);
  });

  it('ends a stream that announces too much, before the body comes', () => {
    expect(() =>
      new StreamFraming().push(Buffer.from('INFO sip:a SIP/2.0\r\nContent-Length: 4000000000\r\n\r\n')),
    ).toThrow('too large');
    expect(() => new StreamFraming().push(Buffer.from('INFO sip:a SIP/2.0\r\nl: -5\r\n\r\n'))).toThrow(
      'Content-Length',
    );
  });

  it('ends a stream whose header never ends', () => {
    const framing = new StreamFraming();
    expect(() => {
      for (let i = 0; i < 1000; i++) framing.push(Buffer.from(`X-${i}: ${'x'.repeat(100)}\r\n`));
    }).toThrow('too large');
    expect(framing.pending).toBeLessThan(40_000);
  });
});
