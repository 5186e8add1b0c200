import { readFileSync, statSync } from 'node:fs';
import type { Server as TlsServer } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';

export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

const LOOK_EVERY_MS = 10_000;

/** @throws when the files cannot be read or do not belong together. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): { cert: string; key: string } {
  const pair = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
  createSecureContext(pair);
  return pair;
}

/** New connections get the new certificate as soon as it lies there; a broken one is told and the old one stays. */
export function followCertificate(
  files: CertificateFiles,
  listener: Pick<TlsServer, 'setSecureContext'>,
  log: Log,
  everyMs = LOOK_EVERY_MS,
): () => void {
  let seen = stamp(files);
  const timer = setInterval(() => {
    const now = stamp(files);
    if (now === seen) return;
    seen = now;
    try {
      listener.setSecureContext({ ...readCertificate(files), minVersion: 'TLSv1.2' });
      log.info({ file: files.certFile }, 'the certificate was renewed');
    } catch (error) {
      log.error(
        { file: files.certFile, error: messageOf(error) },
        'the new certificate cannot be used; the old one stays',
      );
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

function stamp({ certFile, keyFile }: CertificateFiles): string {
  return [certFile, keyFile]
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found ? `${found.ino} ${found.mtimeMs} ${found.size}` : 'none';
    })
    .join(' ');
}
