import { userInfo } from 'node:os'
import { Misuse } from '../command.ts'

/** A name, as people write theirs. */
const name = /^[\p{L}\p{N}][\p{L}\p{N} .@_-]{0,99}$/u

export const byOption = { type: 'string', value: 'NAME', about: 'who says so; the user of this shell when left out' } as const

/** Who does it, as the trail has it. It is his word: the shell's user alone is what the system knows. @throws Misuse */
export function whoOf(option: string | boolean | undefined): string {
  const by = typeof option === 'string' ? option : userInfo().username
  if (!name.test(by) || by === 'matching') throw new Misuse('--by is a name')
  return by
}

export const noteLengthMax = 200

/** @throws Misuse where nobody says why */
export function noteOf(option: string | boolean | undefined): string {
  const note = typeof option === 'string' ? option.trim() : ''
  if (note === '' || note.length > noteLengthMax) throw new Misuse(`--note says why, in at most ${noteLengthMax} characters`)
  return note
}
