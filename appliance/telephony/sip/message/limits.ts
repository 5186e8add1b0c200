// Bounds on what comes from outside. A larger message is dropped (UDP) or ends the connection (streams).
export const MAX_MESSAGE_BYTES = 64 * 1024;
/** Start line and header fields together. */
export const MAX_HEAD_BYTES = 32 * 1024;
export const MAX_FIELDS = 256;
/** One header field, folded lines joined. */
export const MAX_FIELD_CHARS = 8 * 1024;
