import type { ResponseObject, ResponseToolkit } from '@hapi/hapi';
import type { Files } from '#appliance/platform/files/index.ts';
import { rangeOf } from './range.ts';
import { FILE_CLASS, type RecordingRow } from './types.ts';

/** The sound of a finished recording as an answer, whole or the bytes that a player asks for. */
export function soundSender(files: Pick<Files, 'read'>) {
  return async function send(row: RecordingRow, rangeHeader: unknown, h: ResponseToolkit): Promise<ResponseObject> {
    const ref = { fileClass: FILE_CLASS, hash: row.fileHash!, size: row.fileSize!, keyId: row.fileKeyId! };
    const range = rangeOf(rangeHeader, ref.size);
    if (range === 'unsatisfiable') {
      return h
        .response({ code: 'invalid-range', message: 'The recording does not have these bytes.' })
        .code(416)
        .header('content-range', `bytes */${ref.size}`);
    }
    const { start, end } = range === 'whole' ? { start: 0, end: ref.size - 1 } : range;
    const answer = h
      .response(await files.read(ref, { start, end }))
      .type('audio/ogg')
      .header('accept-ranges', 'bytes')
      .bytes(end - start + 1);
    return range === 'whole' ? answer : answer.code(206).header('content-range', `bytes ${start}-${end}/${ref.size}`);
  };
}
