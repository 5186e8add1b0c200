import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { activeLevelDb, decodeAlaw, durationOf, encodeAlaw, RATE } from './audio.ts';
import { convertUpload } from './convert.ts';
import { DEFAULT_PROMPTS, makeDefaultPrompts } from './default-prompts.ts';
import { sayNumber } from './numbers.ts';
import { createPrompts, type Prompts } from './prompts.ts';
import { speak } from './speech.ts';
import { holdMusic } from './tones.ts';

let database: TestDatabase;
let dir: string;
let prompts: Prompts;

beforeAll(async () => {
  database = await testDatabase();
  dir = mkdtempSync(join(tmpdir(), 'strongroom-prompts-'));
  prompts = createPrompts({ db: database.db, dir: join(dir, 'prompts'), log: silentLog });
});
afterAll(async () => {
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

function ffmpeg(name: string, ...args: string[]): string {
  const file = join(dir, name);
  execFileSync('ffmpeg', [
    '-loglevel',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=500:duration=2:sample_rate=44100',
    ...args,
    file,
  ]);
  return file;
}

async function convert(file: string): Promise<Int16Array> {
  const { createReadStream } = await import('node:fs');
  return convertUpload(createReadStream(file));
}

/** Share of the energy at one frequency (Goertzel). */
function shareAt(samples: Int16Array, frequency: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * frequency) / RATE);
  let [a, b] = [0, 0];
  for (const sample of samples) [a, b] = [sample + turn * a - b, a];
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
  return (2 * (a * a + b * b - turn * a * b)) / samples.length / energy;
}

describe('sound', () => {
  it('survives A-law within its own error', () => {
    const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768);
    const back = decodeAlaw(encodeAlaw(samples));
    for (let index = 0; index < samples.length; index++) {
      expect(Math.abs(back[index]! - samples[index]!)).toBeLessThanOrEqual(
        Math.max(16, Math.abs(samples[index]!) / 16),
      );
    }
    expect(encodeAlaw(Int16Array.of(0))[0]).toBe(0xd5);
  });

  it.each([
    ['stereo.mp3', ['-ac', '2']],
    ['voice.ogg', ['-c:a', 'libopus']],
    ['memo.m4a', []],
    ['sound.flac', []],
    ['plain.wav', []],
    ['browser.webm', ['-c:a', 'libopus']],
  ])('takes %s', async (name, args) => {
    const samples = await convert(ffmpeg(name, ...args));
    expect(durationOf(samples)).toBeCloseTo(2, 0);
    expect(shareAt(samples, 500)).toBeGreaterThan(0.9);
  });

  it.each([
    ['text', 'this is not audio at all, it only says so', 'not-audio'],
    ['nothing', '', 'not-audio'],
    [
      'a playlist that names a local file',
      '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
      'not-audio',
    ],
    ['a concat script', "ffconcat version 1.0\nfile '/etc/passwd'\n", 'not-audio'],
    [
      'a WAV header without sound',
      Buffer.from('52494646ffffffff57415645666d74201000000001000100401f0000803e00000200100064617461ffffffff', 'hex'),
      'empty-audio',
    ],
  ])('refuses %s', async (_, content, code) => {
    const file = join(dir, 'bad');
    writeFileSync(file, content);
    await expect(convert(file)).rejects.toMatchObject({ kind: 'invalid', code });
  });

  it('refuses a picture and a video without sound', async () => {
    const file = join(dir, 'picture.mp4');
    execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=duration=1:size=64x64', file]);
    await expect(convert(file)).rejects.toMatchObject({ code: 'not-audio' });
  });

  it('reads no more than it is allowed to', async () => {
    await expect(convertUpload(Buffer.alloc(2000), 1000)).rejects.toMatchObject({ code: 'too-large' });
  });

  it('speaks English and German, and takes no text for an option', async () => {
    expect(durationOf(await speak('Please hold the line.', 'en'))).toBeGreaterThan(0.8);
    expect(durationOf(await speak('Bitte warten Sie einen Augenblick.', 'de'))).toBeGreaterThan(1);
    expect(durationOf(await speak('--version', 'en'))).toBeGreaterThan(0.3);
    await expect(speak('x', 'xx')).rejects.toMatchObject({ code: 'language-not-spoken' });
    await expect(speak(' \n', 'en')).rejects.toMatchObject({ code: 'empty-text' });
    await expect(speak('a'.repeat(2001), 'en')).rejects.toMatchObject({ code: 'too-long' });
  });

  it('plays half a minute of hold music without a seam', () => {
    const music = holdMusic();
    expect(durationOf(music)).toBeCloseTo(32, 1);
    const steps = Array.from(music, (sample, index) => Math.abs(sample - music[(index + 1) % music.length]!));
    const usual = steps.toSorted((a, b) => b - a)[Math.floor(steps.length / 1000)]!;
    expect(steps.at(-1)).toBeLessThan(usual);
    expect(activeLevelDb(music)).toBeLessThan(-24);
  });
});

describe('prompts', () => {
  it('makes the default set once, and again only what was lost', async () => {
    const made = await makeDefaultPrompts(prompts);
    expect(made).toBe(
      prompts
        .names()
        .values()
        .reduce((sum, languages) => sum + languages.size, 0),
    );
    expect([...prompts.names().keys()].sort()).toEqual([...DEFAULT_PROMPTS].sort());
    expect(await makeDefaultPrompts(prompts)).toBe(0);
    const greeting = prompts.item('greeting', 'de')!;
    rmSync(join(dir, 'prompts', `${greeting.media}.al`));
    expect(await makeDefaultPrompts(prompts)).toBe(1);
    expect(activeLevelDb(await prompts.files.read(greeting.media))).toBeCloseTo(-20, 0);
  }, 60_000);

  it('finds the nearest language', () => {
    expect(prompts.item('greeting', 'de-AT')?.text).toMatch(/^Willkommen/);
    expect(prompts.item('greeting', 'fr')?.text).toMatch(/^Welcome/);
    expect(prompts.item('music.hold', 'fr')).toBeDefined();
    expect(prompts.item('nothing', 'en')).toBeUndefined();
  });

  it.each([
    [7, ['7']],
    [42, ['42']],
    [100, ['one', 'hundred']],
    [305, ['3', 'hundred', '5']],
    [21_100, ['21', 'thousand', 'one', 'hundred']],
    [1_000_000, ['1', '0', '0', '0', '0', '0', '0']],
  ])('says %i', (n, names) => {
    expect(sayNumber(n)).toEqual(names.map((name) => `number.${name}`));
  });

  it('says prompts, texts with variables, numbers and digits', async () => {
    const values: Record<string, string | number> = { name: 'Ada', n: 112, code: '4*' };
    const said = await prompts.say(
      [
        { prompt: 'greeting' },
        { text: { en: 'Hello {{name}}', de: 'Hallo {{name}}' } },
        { number: '{{n}}' },
        { digits: '{{code}}' },
        { prompt: 'gone' },
      ],
      'de',
      (name) => values[name],
    );
    expect(said.map(({ text }) => text)).toEqual([
      'Willkommen. Vielen Dank für Ihren Anruf.',
      'Hallo Ada',
      'ein',
      'hundert',
      '12',
      '4',
      'Stern',
    ]);
    for (const { media } of said) expect((await prompts.files.read(media)).length).toBeGreaterThan(0);
    // A language without number prompts is spoken whole.
    expect((await prompts.say([{ number: '5' }], 'fr', () => undefined)).map(({ text }) => text)).toEqual(['5']);
  });

  it('sweeps away files that nothing uses', async () => {
    const before = readdirSync(join(dir, 'prompts')).length;
    const inUse = new Set((await prompts.store.all()).map(({ media }) => media));
    expect(await prompts.files.sweep(inUse, -1000)).toBeGreaterThan(0);
    expect(readdirSync(join(dir, 'prompts')).length).toBeLessThan(before);
    expect(readdirSync(join(dir, 'prompts')).length).toBe(inUse.size);
  });
});
