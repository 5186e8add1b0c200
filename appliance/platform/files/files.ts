import { createHash, randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { AppError } from '#appliance/kernel/errors.ts';
import type { KeyRing } from '../secrets/index.ts';
import { CHUNK, HEADER, isHeader, newHeader, openChunk, sealChunk, TAG } from './format.ts';

/** What a row keeps of a file. */
export interface FileRef {
  fileClass: string;
  /** SHA-256 of the content, hex. */
  hash: string;
  /** Bytes of the content. */
  size: number;
  keyId: string;
}

export interface Files {
  /** On disk, synced and complete when the promise resolves. The same content of one class is kept once. */
  put(content: Readable | Buffer, fileClass: string): Promise<FileRef>;
  /** `end` is inclusive, as in HTTP. Fails with not-found, or damaged when the bytes are not those written. */
  read(ref: FileRef, range?: { start: number; end: number }): Promise<Readable>;
  readAll(ref: FileRef): Promise<Buffer>;
  exists(ref: FileRef): Promise<boolean>;
  /** The caller knows that no other row names this content. */
  remove(ref: FileRef): Promise<void>;
}

/** Content-addressed files, encrypted under the data key of their class. */
export function createFiles(options: { dir: string; keys: KeyRing }): Files {
  const { dir, keys } = options;
  // The key is part of the address: content written again after a change of keys must not meet the older file.
  const pathOf = (ref: Omit<FileRef, 'size'>) => {
    if (!/^[0-9a-f]{64}$/.test(ref.hash))
      throw new AppError('invalid', 'invalid-hash', 'That is not the hash of a file.');
    return join(dir, ref.fileClass, ref.hash.slice(0, 2), `${ref.hash}.${ref.keyId}`);
  };

  async function* plainChunks(ref: FileRef, start: number, end: number): AsyncGenerator<Buffer> {
    const key = keys.get(ref.fileClass, ref.keyId);
    const file = await openOrNotFound(pathOf(ref));
    try {
      const header = await readExactly(file, 0, HEADER);
      if (!isHeader(header)) throw damaged(ref);
      const lastIndex = Math.max(0, Math.ceil(ref.size / CHUNK) - 1);
      const stored = HEADER + ref.size + (lastIndex + 1) * TAG;
      if ((await file.stat()).size !== stored) throw damaged(ref);
      for (let index = Math.floor(start / CHUNK); index * CHUNK <= end && index <= lastIndex; index++) {
        const last = index === lastIndex;
        const length = (last ? ref.size - index * CHUNK : CHUNK) + TAG;
        const sealed = await readExactly(file, HEADER + index * (CHUNK + TAG), length);
        let plain: Buffer;
        try {
          plain = openChunk(key, header, index, last, sealed);
        } catch {
          throw damaged(ref);
        }
        const from = Math.max(0, start - index * CHUNK);
        yield plain.subarray(from, Math.min(plain.length, end - index * CHUNK + 1));
      }
    } finally {
      await file.close();
    }
  }

  return {
    async put(content, fileClass) {
      const { keyId, key } = keys.current(fileClass);
      const making = join(dir, 'making', randomBytes(12).toString('hex'));
      await mkdir(dirname(making), { recursive: true, mode: 0o700 });
      const file = await open(making, 'wx', 0o600);
      try {
        const { hash, size } = await writeSealed(
          file,
          key,
          Buffer.isBuffer(content) ? Readable.from([content]) : content,
        );
        await file.sync();
        const ref: FileRef = { fileClass, hash, size, keyId };
        const path = pathOf(ref);
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(making, path);
        await syncFolder(dirname(path));
        return ref;
      } finally {
        await file.close();
        await rm(making, { force: true });
      }
    },
    async read(ref, range = { start: 0, end: ref.size - 1 }) {
      if (ref.size > 0 && (range.start < 0 || range.start > range.end || range.start >= ref.size)) {
        throw new AppError('invalid', 'invalid-range', 'The file does not have these bytes.');
      }
      const chunks = plainChunks(ref, range.start, Math.max(range.start, Math.min(range.end, ref.size - 1)));
      // The first chunk is opened here, so that a missing or damaged file is an error and not a broken stream.
      const first = await chunks.next();
      return Readable.from(
        (async function* () {
          if (!first.done && first.value.length > 0) yield first.value;
          yield* chunks;
        })(),
        { objectMode: false },
      );
    },
    async readAll(ref) {
      const parts: Buffer[] = [];
      for await (const part of plainChunks(ref, 0, Math.max(0, ref.size - 1))) parts.push(part);
      return Buffer.concat(parts);
    },
    async exists(ref) {
      return stat(pathOf(ref)).then(
        () => true,
        () => false,
      );
    },
    async remove(ref) {
      await rm(pathOf(ref), { force: true });
    },
  };
}

async function writeSealed(file: FileHandle, key: Buffer, content: Readable): Promise<{ hash: string; size: number }> {
  const hash = createHash('sha256');
  const header = newHeader();
  let size = 0;
  let index = 0;
  let rest: Buffer[] = [];
  let restLength = 0;
  await file.write(header);
  for await (const part of content) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(part as string | Uint8Array);
    hash.update(bytes);
    size += bytes.length;
    rest.push(bytes);
    restLength += bytes.length;
    // Strictly more than a chunk: the last one is sealed as such, and is never empty unless the file is.
    if (restLength <= CHUNK) continue;
    let all = Buffer.concat(rest);
    while (all.length > CHUNK) {
      await file.write(sealChunk(key, header, index++, false, all.subarray(0, CHUNK)));
      all = all.subarray(CHUNK);
    }
    rest = [Buffer.from(all)];
    restLength = all.length;
  }
  await file.write(sealChunk(key, header, index, true, Buffer.concat(rest)));
  return { hash: hash.digest('hex'), size };
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function openOrNotFound(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new AppError('not-found', 'file-missing', 'The file is not on this box.');
  }
}

/** A rename is only safe from a power cut once its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

function damaged(ref: FileRef): AppError {
  return new AppError('unavailable', 'file-damaged', `The stored file ${ref.hash} is not what was written.`);
}
