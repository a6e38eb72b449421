import { Misuse } from '../command.ts'

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Reads a length of time, such as `30m`, `24h` or `90d`.
 * @returns milliseconds
 * @throws Misuse where it is none, or longer than `maxDays`
 */
export function parseDuration(option: string, text: string, maxDays: number): number {
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,5})([mhd])$/.exec(text) ?? []
  const ms = Number(count) * unitMs[unit as keyof typeof unitMs]
  if (count === '' || ms > maxDays * unitMs.d) throw new Misuse(`--${option} is a time such as 30m, 24h or 90d, ${maxDays}d at most`)
  return ms
}
