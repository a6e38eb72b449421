import { worlds, type World } from '@ngome/kernel'
import { Misuse } from '../command.ts'

/** @throws Misuse where the option names no world */
export function worldOf(option: string | boolean | undefined): World {
  const world = worlds.find((one) => one === (option ?? 'test'))
  if (world === undefined) throw new Misuse('the world is test or live')
  return world
}
