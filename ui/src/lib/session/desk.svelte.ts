import { createContext } from 'svelte';
import { ApiError, del, get, patch } from '#lib/api/client.ts';
import { attempt, toasts } from '#lib/controls/toasts.svelte.ts';
import { Live } from '#lib/feed/live.svelte.ts';
import { language } from '#lib/i18n/locale.svelte.ts';
import { setTimeZone } from '#lib/i18n/time.ts';
import { Phone } from '#lib/phone/phone.svelte.ts';
import { drafts } from '#lib/work/drafts.ts';
import { labels } from '#lib/work/labels.svelte.ts';
import { Work } from '#lib/work/work.svelte.ts';
import { allows, type Me } from './me.ts';

/** Everything that lives from sign-in to sign-out: the person, the feed, the phone and the work in hand. */
export class Desk {
  readonly me: Me;
  readonly live: Live;
  readonly phone: Phone;
  readonly work: Work;
  readonly #onsignedout: () => void;

  constructor(me: Me, { onsignedout }: { onsignedout: () => void }) {
    this.me = me;
    this.#onsignedout = onsignedout;
    setTimeZone(me.timeZone);
    this.phone = new Phone();
    this.live = new Live({ onrefused: () => void this.#check(), onwake: () => this.phone.refresh() });
    this.work = new Work({ me, live: this.live, phone: this.phone });
    void labels.load();
  }

  can(permission: string): boolean {
    return allows(this.me.permissions, permission);
  }

  /** My language, at every place where I sign in. */
  async speak(locale: string): Promise<void> {
    language.show(locale);
    await attempt(() => patch('/me', { locale }));
  }

  async signOut(): Promise<void> {
    await del('/sessions/current').catch(() => undefined);
    this.#onsignedout();
  }

  close(): void {
    this.work.close();
    this.phone.close();
    this.live.close();
    drafts.clear();
    toasts.clear();
  }

  /** The feed was refused: is it the network, or has the session ended? */
  async #check(): Promise<void> {
    try {
      await get('/me');
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#onsignedout();
    }
  }
}

export const [useDesk, setDesk] = createContext<Desk>();
