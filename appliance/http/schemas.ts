import { z } from 'zod';

/** Pieces that most routes need. */

export const uuid = z.uuid().meta({ description: 'UUIDv7' });

export const idParams = z.object({ id: uuid });

/** A time of the database or a text, told as ISO 8601 UTC. */
export const time = z.preprocess((value) => (value instanceof Date ? value.toISOString() : value), z.iso.datetime());

/** A text a person typed: no control characters, no NUL (PostgreSQL cannot keep one). */
export function text(max: number, min = 0) {
  return z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((value) => !hasControls(value), 'control characters are not allowed');
}

export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(500).optional(),
  q: z.string().trim().max(200).optional(),
});
export type ListQuery = z.output<typeof listQuery>;

/** One page of a list; `next` is the cursor of the following page. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

export const errorBody = z
  .object({ code: z.string(), message: z.string(), details: z.unknown().optional() })
  .meta({ id: 'Error', description: '`code` is stable and kebab-case, `message` is a sentence for a person.' });

function hasControls(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127) return true;
  }
  return false;
}
