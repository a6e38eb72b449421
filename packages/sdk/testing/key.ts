import { newApiKey } from '@ngome/access'
import { systemRandom, type World } from '@ngome/kernel'

/** A key as the platform makes them, of an age in days before the virtual runtime's start. */
export function keyOf(world: World = 'test', ageDays = 1): string {
  const clock = { nowMs: () => 1_800_000_000_000 - ageDays * 86_400_000 }
  return newApiKey({ world, clock, random: systemRandom }).text.expose((text) => text)
}

/** The same as a publishable key, with its checksum made anew. */
export const publishable = (text: string, checksum: (body: string) => string): string => {
  const body = text.replace('_sk_', '_pk_').slice(0, -6)
  return body + checksum(body)
}
