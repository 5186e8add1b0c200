import { spawn } from 'node:child_process';

const TIMEOUT_MS = 30 * 60_000;

/**
 * A WAV as Opus in Ogg. The codec's voice mode predicts one side from the other, so that each is heard on both (measured:
 * -21 dB with two tones); its audio mode keeps them apart (-70 dB) for two thirds more bytes. The same input always makes
 * the same file, so that a repeated job finds its own work.
 */
export function encodeOpus(wav: string, ogg: string): Promise<void> {
  const args = [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', '-protocol_whitelist', 'file', '-i', `file:${wav}`],
    ...[
      '-threads',
      '1',
      '-c:a',
      'libopus',
      '-application',
      'audio',
      '-b:a',
      '32k',
      '-map_metadata',
      '-1',
      '-fflags',
      '+bitexact',
      '-flags:a',
      '+bitexact',
      '-f',
      'ogg',
      `file:${ogg}`,
    ],
  ];
  return new Promise((resolve, reject) => {
    // Calls go before files.
    const child = spawn('nice', ['-n', '10', 'ffmpeg', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < 2000) said += chunk.toString('utf8');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else
        reject(
          new Error(`ffmpeg could not encode the recording: ${said.trim().split('\n').at(-1) ?? `exit code ${code}`}`),
        );
    });
  });
}
