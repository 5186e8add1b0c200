import { del, get, put } from '#lib/api/client.ts';

export interface FollowUp {
  id: string;
  interactionId: string;
  address: string;
  customerName: string | null;
  queueName: string | null;
  dueAt: string;
  note: string;
  doneAt: string | null;
}

/** What I promised to see to: the list and the wrap-up show the same. */
class FollowUps {
  #items = $state.raw<FollowUp[]>([]);

  /** Open ones by their time, then those done today. */
  get items(): FollowUp[] {
    return this.#items;
  }

  of(interactionId: string): FollowUp | undefined {
    return this.#items.find((one) => one.interactionId === interactionId && one.doneAt === null);
  }

  async load(): Promise<void> {
    const today = new Date();
    today.setHours(0, 0, 0, 0);
    this.#items = (await get<{ items: FollowUp[] }>('/me/follow-ups', { doneSince: today.toISOString() })).items;
  }

  async set(interactionId: string, dueAt: Date, note: string): Promise<void> {
    await put(`/interactions/${interactionId}/follow-up`, { dueAt: dueAt.toISOString(), note: note.trim() });
    await this.load();
  }

  async remove(interactionId: string): Promise<void> {
    await del(`/interactions/${interactionId}/follow-up`);
    await this.load();
  }

  async settle(id: string, done: boolean): Promise<void> {
    await put(`/me/follow-ups/${id}/done`, { done });
    await this.load();
  }
}

export const followUps = new FollowUps();
