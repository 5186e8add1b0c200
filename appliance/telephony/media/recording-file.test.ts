import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PCMA } from './g711.ts';
import { FRAME, fileHeader, RECORD_HEADER, writeRecordHeader } from './recfile.ts';
import { RecordingFile } from './recording-file.ts';
import { type Rendering, renderWav } from './render.ts';

const dir = mkdtempSync(join(tmpdir(), 'recording-file-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A disk with `room` bytes, that takes at most `atOnce` in one write. */
function disk(room: number, atOnce = Number.POSITIVE_INFINITY) {
  const header = fileHeader({ recording: 'r', startedAt: new Date(0).toISOString(), startTick: 0 });
  let content = header;
  const self = {
    room,
    header,
    write(block: Buffer, from: number): number {
      const length = Math.min(block.length - from, self.room, atOnce);
      if (length <= 0) throw new Error('ENOSPC: no space left on device');
      self.room -= length;
      content = Buffer.concat([content, block.subarray(from, from + length)]);
      return length;
    },
    truncate(size: number): void {
      self.room += content.length - size;
      content = content.subarray(0, size);
    },
    async render(): Promise<Rendering> {
      const file = join(dir, 'r.rg7');
      writeFileSync(file, content);
      return renderWav(file);
    },
  };
  return self;
}

function speak(file: RecordingFile, from: number, count: number): void {
  const record = Buffer.alloc(RECORD_HEADER + 160, 0x55);
  for (let i = from; i < from + count; i++) {
    writeRecordHeader(record, 0, FRAME, 0, PCMA, 160, i, i * 160, i * 160);
    file.frame(record, 0, record.length);
  }
}

describe('a recording on a disk', () => {
  it('is whole although the disk takes it in pieces', async () => {
    const slow = disk(1e6, 1000);
    const file = new RecordingFile(slow, slow.header.length, () => undefined);
    speak(file, 0, 50);
    expect(file.flush(8000)).toBe(true);
    const { streams, damage } = await slow.render();
    expect(streams[0]?.frames).toBe(50);
    expect(damage).toEqual({ badBlocks: 0, tornBytes: 0 });
  });

  it('says once that the disk is full, stays whole, and goes on with a mark when there is room', async () => {
    const errors: string[] = [];
    const full = disk(20_000);
    const file = new RecordingFile(full, full.header.length, (error) => errors.push((error as Error).message));
    speak(file, 0, 50);
    expect(file.flush(8000)).toBe(true);
    for (let second = 1; second < 20; second++) {
      speak(file, second * 50, 50);
      expect(file.flush(second * 8000)).toBe(second < 2);
    }
    expect(errors).toEqual(['ENOSPC: no space left on device']);
    expect((await full.render()).damage).toEqual({ badBlocks: 0, tornBytes: 0 });
    expect(file.lostFrames).toBeGreaterThan(400);
    full.room = 1e6;
    speak(file, 1000, 50);
    expect(file.flush(168_000)).toBe(true);
    file.flush(168_000);
    const { marks, damage, durationS } = await full.render();
    expect(marks).toMatchObject([{ gap: 'write-failed' }]);
    expect(marks[0]?.lostFrames).toBeGreaterThan(400);
    expect(damage).toEqual({ badBlocks: 0, tornBytes: 0 });
    expect(durationS).toBeGreaterThan(20);
    expect(errors).toHaveLength(1);
  });
});
