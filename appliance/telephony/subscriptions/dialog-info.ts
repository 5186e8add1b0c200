// RFC 4235 §4: the calls of an extension. Always the full state, so that a lost document harms nobody.
import type { LineCall } from './api.ts';

/** A lamp needs one call; what stands here must fit into one UDP packet. */
const MAX_DIALOGS = 3;
const TELLING: Record<LineCall['state'], number> = { confirmed: 0, early: 1, trying: 2 };

export interface DialogInfo {
  /** URI of the extension. */
  entity: string;
  version: number;
  calls: readonly LineCall[];
  /** Those that the document before spoke of and that have ended since: phones that wait for this word hear it. */
  ended: readonly string[];
}

export function dialogInfo({ entity, version, calls, ended }: DialogInfo): string {
  const shown = tellingFirst(calls).map(
    ({ id, dialog, direction, state }) =>
      `<dialog id="${escaped(id)}"${named(dialog)} direction="${direction}"><state>${state}</state></dialog>`,
  );
  const gone = ended
    .slice(0, MAX_DIALOGS - shown.length)
    .map((id) => `<dialog id="${escaped(id)}"><state>terminated</state></dialog>`);
  return [
    '<?xml version="1.0"?>',
    `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" entity="${escaped(entity)}">`,
    ...shown,
    ...gone,
    '</dialog-info>',
    '',
  ].join('\n');
}

/** The calls that fit, the most telling ones first: talking, ringing, dialling. */
export function tellingFirst(calls: readonly LineCall[]): LineCall[] {
  return [...calls].sort((a, b) => TELLING[a.state] - TELLING[b.state]).slice(0, MAX_DIALOGS);
}

function named(dialog: LineCall['dialog']): string {
  if (!dialog) return '';
  const { callId, localTag, remoteTag } = dialog;
  const local = localTag === undefined ? '' : ` local-tag="${escaped(localTag)}"`;
  const remote = remoteTag === undefined ? '' : ` remote-tag="${escaped(remoteTag)}"`;
  return ` call-id="${escaped(callId)}"${local}${remote}`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const MAX_TEXT = 128;

/** Text from outside, as XML 1.0 allows it (§2.2): controls and half surrogates would make the document unreadable. */
function escaped(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
