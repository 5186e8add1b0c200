// Mutates SIP messages and feeds them to the parser, the framing and a whole stack: no crash, no hang, no growth.
// node appliance/telephony/sip/fuzz.ts --count 100000 --seed 1
import { parseArgs } from 'node:util';
import { ManualClock } from '#appliance/kernel/clock.ts';
import type { Dialog } from './api.ts';
import { SipRequest } from './message/message.ts';
import { parseMessage } from './message/parser.ts';
import { SipSyntaxError } from './message/syntax-error.ts';
import { createSipStack } from './stack.ts';
import { corpus } from './testing/corpus.ts';
import { fakeSocket } from './testing/fake-socket.ts';
import { StreamFraming } from './transport/framing.ts';

/** An input slower than this is a finding. */
const SLOW_MS = 50;

export interface FuzzResult {
  inputs: number;
  parsed: number;
  /** Inputs that broke a rule, with what happened; empty when all is well. */
  findings: { seed: number; at: number; what: string; input: string }[];
}

/** The same seed makes the same inputs. */
export async function fuzz(count: number, seed: number): Promise<FuzzResult> {
  const random = generator(seed);
  const result: FuzzResult = { inputs: count, parsed: 0, findings: [] };
  const target = createTarget((what) => {
    failure ??= what;
  });
  let failure: string | undefined;
  for (let at = 0; at < count; at++) {
    const input = mutate(corpus[random(corpus.length)]!, random);
    failure = undefined;
    const started = performance.now();
    try {
      if (exercise(input)) result.parsed++;
      frame(input, random);
      target.feed(input);
    } catch (error) {
      failure ??= String(error instanceof Error ? error.stack : error);
    }
    const tookMs = performance.now() - started;
    // A busy machine is slow once; a bad input every time.
    if (tookMs > SLOW_MS && fastestMs(input) > SLOW_MS) failure ??= `took ${tookMs.toFixed(0)} ms`;
    if (failure) result.findings.push({ seed, at, what: failure, input: input.toString('latin1') });
    if (at % 1000 === 999) {
      // All timers run out; whatever the inputs opened must be gone.
      await target.settle();
    }
  }
  await target.settle();
  const left = target.left();
  if (left > 0) result.findings.push({ seed, at: count, what: `${left} transactions or dialogs left`, input: '' });
  await target.close();
  return result;
}

function fastestMs(input: Buffer): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    exercise(input);
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

/** Parses and touches every accessor; what was parsed must print and parse again to the same bytes. */
function exercise(input: Buffer): boolean {
  let message: ReturnType<typeof parseMessage>;
  try {
    message = parseMessage(input);
  } catch (error) {
    if (error instanceof SipSyntaxError) return false;
    throw error;
  }
  for (const read of [
    () => message.via,
    () => message.from.uri,
    () => message.to.uri,
    () => message.cseq,
    () => message.contacts.map((contact) => contact.uri),
    () => message.tokens('supported'),
    () => message.contentType,
    () => (message instanceof SipRequest ? message.uri : undefined),
  ]) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error;
    }
  }
  const printed = message.print();
  const lines = printed.subarray(0, printed.indexOf('\r\n\r\n')).toString('latin1').split('\r\n').length;
  const own = message.has('content-length') ? message.count('content-length') : 0;
  if (lines !== message.fieldCount - own + 2) throw new Error('printing made another line');
  if (!parseMessage(printed).print().equals(printed)) throw new Error('printing is not stable');
  return true;
}

function frame(input: Buffer, random: (below: number) => number): void {
  const framing = new StreamFraming();
  const cut = random(input.length + 1);
  try {
    framing.push(input.subarray(0, cut));
    framing.push(input.subarray(cut));
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error;
  }
}

/** A stack with users that answer everything, reached over an in-memory WebSocket. */
function createTarget(fail: (what: string) => void) {
  const clock = new ManualClock();
  const stack = createSipStack({
    listen: {},
    userAgent: 'fuzz',
    clock,
    idleMs: 1e9,
    log: {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => fail(`${message} ${String((fields as { err?: Error }).err?.stack)}`),
    },
  });
  stack.onInvite((invite) => {
    invite.progress({ status: 180 });
    const { dialog } = invite.accept({ body: 'v=0' });
    dialog.onRequest((request) => request.respond({ status: 200 }));
    clock.after(60_000, () => dialog.bye()); // an input may have been an ACK
  });
  stack.onRequest((incoming) => {
    if (incoming.request.method !== 'SUBSCRIBE') return incoming.respond({ status: 200 });
    let dialog: Dialog;
    try {
      dialog = incoming.subscribe();
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error;
      return incoming.respond({ status: 400 });
    }
    incoming.respond({ status: 200 });
    dialog.onRequest((request) => request.respond({ status: 200 }));
    dialog.request('NOTIFY', { headers: [['Event', 'dialog']] }).catch(() => {});
    clock.after(60_000, () => dialog.bye());
  });
  const wire = fakeSocket();
  stack.acceptWebSocket(wire.socket, { address: '127.0.0.1', port: 9 });
  return {
    feed(input: Buffer) {
      wire.feed(input);
      wire.sent.length = 0;
    },
    async settle() {
      for (let i = 0; i < 4; i++) {
        clock.advance(70_000);
        await new Promise(setImmediate);
      }
    },
    left: () => stack.size.transactions + stack.size.dialogs,
    close: () => stack.stop(),
  };
}

const NASTY = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  '"',
  '\\',
  '<',
  '>',
  ';',
  ',',
  ':',
  '@',
  '%',
  '%00',
  '%zz',
  ' ',
  '\t',
  '\r\n ',
  '=',
  '?',
  '[',
  ']',
  'ä',
  '\xff',
  '99999999999999999999',
  '-1',
  '4294967296',
  'SIP/2.0',
  'z9hG4bK',
  '__proto__',
];

function mutate(seed: Buffer, random: (below: number) => number): Buffer {
  let text = seed.toString('latin1');
  for (let times = random(6) + 1; times > 0; times--) {
    const at = random(text.length + 1);
    const end = Math.min(text.length, at + random(20));
    const piece = text.slice(at, end);
    switch (random(8)) {
      case 0:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 1:
        text = text.slice(0, at) + NASTY[random(NASTY.length)] + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
        break;
      case 3:
        text = text.slice(0, at) + piece.repeat(random(200)) + text.slice(at);
        break;
      case 4: {
        const lines = text.split('\r\n');
        lines.splice(random(lines.length), 0, lines[random(lines.length)]!);
        text = lines.join('\r\n');
        break;
      }
      case 5: {
        const lines = text.split('\r\n');
        lines.splice(random(lines.length), 1);
        text = lines.join('\r\n');
        break;
      }
      case 6: {
        const other = corpus[random(corpus.length)]!.toString('latin1');
        text = text.slice(0, at) + other.slice(random(other.length));
        break;
      }
      case 7:
        text = text.slice(0, at);
        break;
    }
  }
  return Buffer.from(text.slice(0, 70_000), 'latin1');
}

/** A small seedable generator (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  });
  const started = performance.now();
  const result = await fuzz(Number(values.count), Number(values.seed));
  for (const { at, what, input } of result.findings.slice(0, 10)) {
    process.stdout.write(`seed ${values.seed} input ${at}: ${what}\n${JSON.stringify(input.slice(0, 2000))}\n`);
  }
  const seconds = (performance.now() - started) / 1000;
  const mib = Math.round(process.memoryUsage().rss / 2 ** 20);
  process.stdout.write(
    `${result.inputs} inputs, ${result.parsed} parsed, ${result.findings.length} findings, ${seconds.toFixed(1)} s, ${mib} MiB\n`,
  );
  process.exitCode = result.findings.length > 0 ? 1 : 0;
}
