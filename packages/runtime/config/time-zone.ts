import { z } from 'zod'

/** A name of the IANA database alone: an offset is no zone, and PostgreSQL reads its sign the other way. */
export const timeZone = z.string().max(64).refine(isTimeZone, 'must be a time zone of the IANA database, such as Africa/Kampala')

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z_]+(?:\/[A-Za-z_-]+)*$/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
