import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '#appliance/kernel/errors.ts';
import { RATE } from './audio.ts';
import { runBounded } from './children.ts';

export const MAX_UPLOAD_BYTES = 50 * 1024 * 1024;
export const MAX_PROMPT_S = 1800;

/** Containers and raw formats that hold one sound. No playlists: those make ffmpeg open what they name. */
const FORMATS = 'wav,w64,mp3,ogg,flac,aac,mov,matroska,webm,amr,aiff,au,caf,gsm,alaw,mulaw';

/**
 * Any audio file as 8 kHz samples, one channel.
 *
 * @throws {AppError} too-large, not-audio, too-long, empty-audio.
 */
export async function convertUpload(upload: Readable | Buffer, maxBytes = MAX_UPLOAD_BYTES): Promise<Int16Array> {
  const dir = await mkdtemp(join(tmpdir(), 'strongroom-prompt-'));
  try {
    const file = join(dir, 'upload');
    // Some containers keep their table at the end: ffmpeg must be able to seek, so it gets a file.
    await pipeline(
      Buffer.isBuffer(upload) ? Readable.from([upload]) : upload,
      bounded(maxBytes),
      createWriteStream(file, { mode: 0o600 }),
    );
    return await decodeFile(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function decodeFile(file: string): Promise<Int16Array> {
  const result = await runBounded(
    'ffmpeg',
    [
      ...[
        '-nostdin',
        '-hide_banner',
        '-loglevel',
        'error',
        '-threads',
        '1',
        '-protocol_whitelist',
        'file,pipe',
        '-format_whitelist',
        FORMATS,
      ],
      ...['-i', `file:${file}`, '-map', '0:a:0', '-vn', '-sn', '-dn', '-t', String(MAX_PROMPT_S + 1)],
      ...['-ac', '1', '-ar', String(RATE), '-threads', '1', '-c:a', 'pcm_s16le', '-f', 's16le', 'pipe:1'],
    ],
    { timeoutMs: 120_000, cpuS: 100, memoryBytes: 2 * 1024 ** 3, maxOutputBytes: (MAX_PROMPT_S + 2) * RATE * 2 },
  );
  if (result.timedOut)
    throw new AppError(
      'invalid',
      'not-audio',
      'The file could not be converted in two minutes. Upload a shorter or simpler recording.',
    );
  if (result.code !== 0)
    throw new AppError(
      'invalid',
      'not-audio',
      'The file is not audio that can be played. Upload WAV, MP3, Ogg, FLAC, M4A or WebM.',
    );
  const samples = new Int16Array(result.stdout.length >> 1);
  for (let index = 0; index < samples.length; index++) samples[index] = result.stdout.readInt16LE(index * 2);
  if (samples.length > MAX_PROMPT_S * RATE)
    throw new AppError(
      'invalid',
      'too-long',
      `The recording is longer than ${MAX_PROMPT_S / 60} minutes. Upload a shorter one.`,
    );
  if (samples.length < RATE / 50) throw new AppError('invalid', 'empty-audio', 'The file holds no sound.');
  return samples;
}

function bounded(maxBytes: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > maxBytes)
        done(
          new AppError(
            'invalid',
            'too-large',
            `The file is larger than ${Math.floor(maxBytes / 1024 / 1024)} MB. Upload a smaller one.`,
          ),
        );
      else done(null, chunk);
    },
  });
}
