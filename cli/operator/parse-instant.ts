import { z } from 'zod'
import { Misuse } from '../command.ts'

const instant = z.iso.datetime({ offset: true })

/** @returns milliseconds @throws Misuse where it is no instant with its zone */
export function parseInstant(name: string, text: unknown): number {
  const parsed = instant.safeParse(text)
  if (!parsed.success) throw new Misuse(`${name} takes an instant, such as 2027-01-31T22:00:00Z`)
  return Date.parse(parsed.data)
}
