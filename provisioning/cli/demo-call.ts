import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { delay } from '#appliance/kernel/async.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { parseSdp } from '#appliance/telephony/sdp/index.ts';
import { createSipStack, type Dialog, InviteFailed, parseUri } from '#appliance/telephony/sip/index.ts';
import type { Command } from './command.ts';

/** Payload type of RFC 4733 events in our offer. */
const EVENTS = 101;
const FRAME_MS = 20;
const FRAME_BYTES = 160;
const SILENCE = 0xd5;

/** A customer for those who have no telephone at hand: a real SIP call over the loopback to this box. */
export const demoCall: Command = {
  name: 'demo call',
  summary: 'calls a number of this box as a customer would, presses digits, says a sound',
  options: {
    to: { type: 'string', default: '+15550100' },
    from: { type: 'string', default: '+15557777' },
    press: { type: 'string' },
    say: { type: 'string' },
    seconds: { type: 'string', default: '60' },
  },
  help: {
    to: 'the number to call; +15550100 is the demo main line',
    from: "the caller's number",
    press: 'digits, two seconds after the answer; a comma waits one second more',
    say: 'a sound file in any format, heard by whoever answers, again and again',
    seconds: 'hang up after so long',
  },
  async run({ values, context }) {
    const { config } = context;
    const say = values.say === undefined ? undefined : toAlaw(context.path(String(values.say)));
    const seconds = Number(values.seconds);
    if (!(seconds > 0 && seconds <= 3600))
      throw new AppError('invalid', 'seconds', '--seconds is a number from 1 to 3600.');
    const press = String(values.press ?? '');
    if (!/^[0-9*#,]*$/.test(press))
      throw new AppError('invalid', 'press', '--press takes the digits 0-9, *, # and commas for pauses.');

    const phone = await DemoPhone.open(config.sipPort);
    const hangUp = new AbortController();
    const stop = (): void => hangUp.abort();
    process.once('SIGINT', stop);
    try {
      return await phone.call({
        to: String(values.to),
        from: String(values.from),
        press,
        say,
        seconds,
        signal: hangUp.signal,
      });
    } finally {
      process.off('SIGINT', stop);
      await phone.close();
    }
  },
};

interface DemoCall {
  to: string;
  from: string;
  press: string;
  say: Buffer | undefined;
  seconds: number;
  signal: AbortSignal;
}

class DemoPhone {
  readonly #sip;
  readonly #rtp: Socket;
  readonly #port: number;
  #heard = 0;
  #loud = 0;

  private constructor(sip: ReturnType<typeof createSipStack>, rtp: Socket, port: number) {
    this.#sip = sip;
    this.#rtp = rtp;
    this.#port = port;
    rtp.on('message', (packet) => {
      this.#heard++;
      if ((packet[1]! & 0x7f) === 8 && packet.subarray(12).some((byte) => ((byte ^ 0x55) & 0x70) > 0x30)) this.#loud++;
    });
  }

  static async open(sipPort: number): Promise<DemoPhone> {
    const rtp = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      rtp.once('error', reject);
      rtp.bind(0, '127.0.0.1', resolve);
    });
    const sip = createSipStack({
      listen: { udp: { host: '127.0.0.1', port: 0 } },
      userAgent: 'Strongroom demo',
      log: silentLog,
    });
    await sip.start();
    return new DemoPhone(sip, rtp, sipPort);
  }

  async call({ to, from, press, say, seconds, signal }: DemoCall): Promise<number> {
    const { port } = this.#rtp.address();
    const invite = this.#sip.invite({
      to: parseUri(`sip:${to}@127.0.0.1:${this.#port}`),
      from: { uri: parseUri(`sip:${from}@127.0.0.1`) },
      contact: { user: from },
      contentType: 'application/sdp',
      body: offer(port),
    });
    line(`Calling ${to} as ${from} …`);
    invite.onProgress(({ status }) => status > 100 && line(status === 183 ? 'Early audio.' : 'It rings.'));
    signal.addEventListener('abort', () => invite.cancel());
    let dialog: Dialog;
    let remote: { address: string; port: number };
    try {
      const answered = await invite.answered;
      dialog = answered.dialog;
      const audio = parseSdp(answered.response.body.toString()).audio;
      if (!audio) throw new AppError('invalid', 'no-audio', 'The box answered without audio.');
      remote = { address: audio.address, port: audio.port };
    } catch (error) {
      if (!(error instanceof InviteFailed)) throw error;
      line(error.status === 404 ? `${to} is no number of this box.` : `Not answered: ${error.message}.`);
      return 1;
    }
    const answeredAt = Date.now();
    line('Answered.');
    const ended = new Promise<string>((resolve) =>
      dialog.onEnd(({ by }) => resolve(by === 'peer' ? 'The box hung up' : 'Hung up')),
    );
    dialog.onRequest((request) => request.respond({ status: 200, contentType: 'application/sdp', body: offer(port) }));
    const talking = this.#talk(remote, press, say, ended);
    const why = await Promise.race([
      ended,
      delay(seconds * 1000).then(() => 'Hung up'),
      new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('Hung up'))),
    ]);
    dialog.bye();
    talking.stop();
    line(
      `${why} after ${((Date.now() - answeredAt) / 1000).toFixed(1)} s; heard ${((this.#heard * FRAME_MS) / 1000).toFixed(1)} s, ${((this.#loud * FRAME_MS) / 1000).toFixed(1)} s of it not silent.`,
    );
    await delay(200); // the answer to our BYE
    return 0;
  }

  async close(): Promise<void> {
    this.#rtp.close();
    await this.#sip.stop();
  }

  /** One stream: what is to be said, or silence; digits as RFC 4733 events in between. */
  #talk(remote: { address: string; port: number }, press: string, say: Buffer | undefined, ended: Promise<unknown>) {
    const ssrc = randomBytes(4).readUInt32BE();
    let seq = randomBytes(2).readUInt16BE() >> 1;
    let timestamp = randomBytes(4).readUInt32BE();
    let at = 0;
    const send = (payloadType: number, payload: Buffer, marker = false, stamp = timestamp): void => {
      const packet = Buffer.alloc(12 + payload.length);
      packet[0] = 0x80;
      packet[1] = (marker ? 0x80 : 0) | payloadType;
      packet.writeUInt16BE(seq++ & 0xffff, 2);
      packet.writeUInt32BE(stamp >>> 0, 4);
      packet.writeUInt32BE(ssrc, 8);
      payload.copy(packet, 12);
      this.#rtp.send(packet, remote.port, remote.address);
    };
    const queue: { digit: string; frame: number }[] = [];
    const frame = (): void => {
      const digit = queue[0];
      if (digit) {
        // Eight frames of 20 ms: five while the key is down, the end told three times (RFC 4733 §2.5.1.4).
        const n = ++digit.frame;
        const down = Math.min(n, 6) * FRAME_BYTES;
        const event = Buffer.from([
          '0123456789*#'.indexOf(digit.digit),
          (n >= 6 ? 0x80 : 0) | 10,
          down >> 8,
          down & 0xff,
        ]);
        send(EVENTS, event, n === 1, timestamp - (n - 1) * FRAME_BYTES);
        if (n === 8) queue.shift();
      } else {
        const payload = Buffer.alloc(FRAME_BYTES, SILENCE);
        if (say) {
          say.copy(payload, 0, at, at + FRAME_BYTES);
          at = at + FRAME_BYTES >= say.length ? 0 : at + FRAME_BYTES;
        }
        send(8, payload);
      }
      timestamp += FRAME_BYTES;
    };
    const started = performance.now();
    let frames = 0;
    const timer = setInterval(() => {
      while (performance.now() - started > frames * FRAME_MS) {
        frames++;
        frame();
      }
    }, FRAME_MS / 2);
    void (async () => {
      let over = false;
      void ended.then(() => {
        over = true;
      });
      await delay(2000);
      for (const digit of press) {
        if (over) return;
        if (digit === ',') await delay(1000);
        else {
          line(`Pressing ${digit}.`);
          queue.push({ digit, frame: 0 });
          await delay(400);
        }
      }
    })();
    return { stop: () => clearInterval(timer) };
  }
}

function offer(port: number): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 8 ${EVENTS}`,
    'a=rtpmap:8 PCMA/8000',
    `a=rtpmap:${EVENTS} telephone-event/8000`,
    `a=fmtp:${EVENTS} 0-15`,
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

function toAlaw(file: string): Buffer {
  if (!existsSync(file)) throw new AppError('not-found', 'no-file', `There is no file ${file}.`);
  const { status, stdout, stderr } = spawnSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-protocol_whitelist',
      'file',
      '-i',
      file,
      '-t',
      '600',
      '-ac',
      '1',
      '-ar',
      '8000',
      '-f',
      'alaw',
      '-',
    ],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  if (status !== 0 || stdout.length === 0)
    throw new AppError('invalid', 'not-audio', `${file} is not a sound that could be read: ${String(stderr).trim()}`);
  return stdout;
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}
