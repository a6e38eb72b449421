/** In which order a file writes a date where it is not as ISO 8601 has it. */
export const dateOrders = ['iso', 'dmy', 'mdy'] as const
export type DateOrder = (typeof dateOrders)[number]

const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2})?)?$/
const european = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/
const instantLengthMax = 40

/**
 * Reads an instant: ISO 8601, or a date in the order that the file has. What names no offset is in the file's time zone; a time
 * that a clock there showed twice is the first of the two.
 * @param timeZone IANA name
 * @returns milliseconds since 1970, or `undefined` where it is no instant of the calendar
 */
export function readInstant(text: string, order: DateOrder, timeZone: string): number | undefined {
  if (text.length > instantLengthMax) return undefined
  const match = (order === 'iso' ? iso : european).exec(text)
  if (match === null) return undefined
  const [, a, b, c, hour = '0', minute = '0', second = '0', fraction = '', offset] = match
  const [year, month, day] = order === 'iso' ? [a, b, c] : order === 'dmy' ? [c, b, a] : [c, a, b]
  const parts = [year, month, day, hour, minute, second].map(Number)
  const wallMs = Date.UTC(parts[0] ?? 0, (parts[1] ?? 0) - 1, parts[2], parts[3], parts[4], parts[5])
  const wall = new Date(wallMs)
  const isReal = [wall.getUTCFullYear(), wall.getUTCMonth() + 1, wall.getUTCDate(), wall.getUTCHours(), wall.getUTCMinutes(), wall.getUTCSeconds()]
    .every((part, at) => part === parts[at])
  if (!isReal || (parts[0] ?? 0) < 2000 || (parts[0] ?? 0) > 2199) return undefined
  const exactMs = wallMs + Number(fraction.padEnd(3, '0').slice(0, 3))
  return offset === undefined ? exactMs - offsetMs(timeZone, wallMs) : offsetOf(offset, exactMs)
}

/** The first instant of a day there. */
export function startOfDayMs(day: string, timeZone: string): number | undefined {
  return readInstant(day, 'iso', timeZone)
}

function offsetOf(text: string, wallMs: number): number | undefined {
  if (text === 'Z') return wallMs
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))]
  if (hours > 14 || minutes > 59) return undefined
  return wallMs - (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** How far the zone's clocks were before UTC when they showed this. */
function offsetMs(timeZone: string, wallMs: number): number {
  const guess = offsetAt(timeZone, wallMs)
  return offsetAt(timeZone, wallMs - guess)
}

function offsetAt(timeZone: string, atMs: number): number {
  const shown = Object.fromEntries(formatOf(timeZone).formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Made once: a million rows ask for the same. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const made = formats.get(timeZone) ?? new Intl.DateTimeFormat('en', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  })
  formats.set(timeZone, made)
  return made
}
