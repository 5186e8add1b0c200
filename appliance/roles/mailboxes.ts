import type { Agents } from '#appliance/agents/index.ts';
import type { Mailboxes, MailboxStore } from '#appliance/channels/voice/index.ts';
import type { Prompts } from '#appliance/flows/index.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import { createFiles } from '#appliance/platform/files/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { openKeyRing } from '#appliance/platform/secrets/index.ts';
import { FILE_CLASS, recordingStore } from '#appliance/recordings/index.ts';
import type { MessageCounts } from '#appliance/telephony/subscriptions/index.ts';

/** Voicemail as the telephone has it: messages in the database, their sound among the recordings. */
export function createMailboxes({
  store,
  db,
  config,
  prompts,
}: {
  store: MailboxStore;
  db: Database;
  config: Config;
  prompts: Prompts;
}): Mailboxes {
  const recordings = recordingStore(db);
  const files = createFiles({ dir: config.paths.files, keys: openKeyRing(config.paths.keys) });
  return {
    add: store.add,
    rescue: store.rescue,
    fresh: store.fresh,
    heard: async (agentId, id) => void (await store.setHeard(agentId, id, true)),
    remove: async (agentId, id) => void (await store.remove(agentId, id)),
    async sound(recordingId) {
      const row = await recordings.get(recordingId);
      if (row?.state !== 'ready') return undefined;
      const ref = { fileClass: FILE_CLASS, hash: row.fileHash!, size: row.fileSize!, keyId: row.fileKeyId! };
      const { media } = await prompts.convert(await files.read(ref, { start: 0, end: ref.size - 1 }));
      // The copy for the switch is not sealed as recordings are: it is there while it is heard.
      return { media, done: () => prompts.files.remove(media) };
    },
  };
}

/** How many messages wait at an extension, for the lamps of phones. */
export function createMessageCounts({
  store,
  agents,
  bus,
}: {
  store: MailboxStore;
  agents: Agents;
  bus: Pick<Bus, 'subscribe'>;
}): MessageCounts {
  return {
    async of(extension) {
      const agent = agents.byExtension(extension);
      return agent ? store.counts(agent.id) : { fresh: 0, heard: 0 };
    },
    onChange: (listener) =>
      bus.subscribe((event) => {
        if (event.type !== 'voicemail.changed') return;
        const extension = agents.get(event.agentId)?.extension;
        if (extension) listener(extension);
      }),
  };
}
