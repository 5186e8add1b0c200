import { ApiError } from '#lib/api/client.ts';

export const MAX_UPLOAD_BYTES = 50 * 1024 * 1024;

/** Sends a sound and tells how far it is; fetch cannot. */
export function upload(
  method: 'POST' | 'PUT',
  path: string,
  body: Blob,
  { etag, onprogress }: { etag?: string; onprogress: (share: number) => void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, `/api/v1${path}`);
    // What it really is the box finds out; it only wants to be told that it is sound.
    request.setRequestHeader(
      'content-type',
      /^(audio|video)\/[\w.+-]+/.exec(body.type)?.[0] ?? 'application/octet-stream',
    );
    if (etag) request.setRequestHeader('if-match', etag);
    request.upload.onprogress = ({ loaded, total }) => onprogress(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new ApiError(0, 'unreachable', ''));
    request.onload = () => {
      if (request.status < 300) return resolve();
      let refusal: { code?: string; message?: string; details?: unknown } = {};
      try {
        refusal = JSON.parse(request.responseText);
      } catch {
        // A proxy's page: the status says enough.
      }
      reject(
        new ApiError(request.status, refusal.code ?? `http-${request.status}`, refusal.message ?? '', refusal.details),
      );
    };
    request.send(body);
  });
}
