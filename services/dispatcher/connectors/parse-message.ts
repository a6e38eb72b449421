import type { z } from 'zod'

/** @returns what the bytes say, or `undefined` where they are not JSON of this shape */
export function parseMessage<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}
