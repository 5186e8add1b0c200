import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { openKeyRing } from '../secrets/index.ts';
import { createFiles } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'strongroom-files-'));
afterAll(() => rmSync(dir, { recursive: true }));
const keys = openKeyRing(join(dir, 'keys'));
const files = createFiles({ dir: join(dir, 'files'), keys });
const CHUNK = 64 * 1024;

function pathOf(hash: string): string {
  const found = readdirSync(join(dir, 'files'), { recursive: true, encoding: 'utf8' }).find((name) =>
    name.includes(hash),
  );
  return join(dir, 'files', found!);
}

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 77])(
  'content of %i bytes comes back as it was',
  async (size) => {
    const content = randomBytes(size);
    const ref = await files.put(Readable.from(slices(content, 10_000)), 'recording');
    expect(ref).toMatchObject({ size, hash: createHash('sha256').update(content).digest('hex') });
    expect((await files.readAll(ref)).equals(content)).toBe(true);
    expect((await buffer(await files.read(ref))).equals(content)).toBe(true);
  },
);

test.each([
  [0, 0],
  [5, 10],
  [CHUNK - 1, CHUNK],
  [CHUNK, 2 * CHUNK - 1],
  [10, 2 * CHUNK + 5],
  [2 * CHUNK, 99_999_999],
])('bytes %i to %i are read without the rest', async (start, end) => {
  const content = randomBytes(2 * CHUNK + 100);
  const ref = await files.put(content, 'recording');
  const read = await buffer(await files.read(ref, { start, end }));
  expect(read.equals(content.subarray(start, end + 1))).toBe(true);
});

test('a range outside the file is refused', async () => {
  const ref = await files.put(Buffer.from('short'), 'recording');
  await expect(files.read(ref, { start: 5, end: 9 })).rejects.toMatchObject({ code: 'invalid-range' });
});

test('the bytes on disk do not show the content', async () => {
  const text = 'a customer said this '.repeat(100);
  const ref = await files.put(Buffer.from(text), 'recording');
  expect(readFileSync(pathOf(ref.hash)).includes('customer said')).toBe(false);
});

test('a changed byte, swapped chunks and a cut end are noticed', async () => {
  const ref = await files.put(randomBytes(3 * CHUNK), 'recording');
  const path = pathOf(ref.hash);
  const good = readFileSync(path);
  const damagedIs = () => expect(files.readAll(ref)).rejects.toMatchObject({ code: 'file-damaged' });

  const flipped = Buffer.from(good);
  flipped[CHUNK + 500]! ^= 1;
  writeFileSync(path, flipped);
  await damagedIs();

  const size = CHUNK + 16;
  writeFileSync(
    path,
    Buffer.concat([
      good.subarray(0, 12),
      good.subarray(12 + size, 12 + 2 * size),
      good.subarray(12, 12 + size),
      good.subarray(12 + 2 * size),
    ]),
  );
  await damagedIs();

  writeFileSync(path, good);
  truncateSync(path, 12 + 2 * size);
  await damagedIs();
  await expect(files.readAll({ ...ref, size: 2 * CHUNK })).rejects.toMatchObject({ code: 'file-damaged' });
});

test('content written under an older key stays readable after a change of keys', async () => {
  const before = await files.put(Buffer.from('same'), 'attachment');
  keys.rotate('attachment');
  const after = await files.put(Buffer.from('same'), 'attachment');
  expect([before.keyId, after.keyId]).toEqual(['1', '2']);
  const elsewhere = createFiles({ dir: join(dir, 'files'), keys: openKeyRing(join(dir, 'keys')) });
  expect((await elsewhere.readAll(before)).toString()).toBe('same');
  await files.remove(after);
  expect((await elsewhere.readAll(before)).toString()).toBe('same');
  await expect(files.readAll(after)).rejects.toMatchObject({ kind: 'not-found' });
});

test('a source that breaks leaves nothing behind', async () => {
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('half');
      throw new Error('the disk of the source is gone');
    })(),
  );
  await expect(files.put(broken, 'recording')).rejects.toThrow('gone');
  expect(readdirSync(join(dir, 'files', 'making'))).toEqual([]);
});

function* slices(content: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}
