// Raw recordings of the switch as the recordings room wants them.

import type { RawFiles } from '#appliance/recordings/index.ts';
import { RecordingReader, renderWav, writeWav } from '#appliance/telephony/media/index.ts';

export const rawRecordings: RawFiles = {
  async render(rawFile, wavFile) {
    const rendering = await renderWav(rawFile);
    await writeWav(rendering, wavFile);
    return { durationS: rendering.durationS, damagedBytes: rendering.damage.tornBytes, gaps: rendering.gaps };
  },
  async describe(rawFile) {
    const reader = await RecordingReader.open(rawFile).catch(() => undefined);
    if (!reader) return undefined;
    await reader.close();
    return { startedAt: new Date(reader.header.startedAt), meta: reader.header.meta };
  },
};
