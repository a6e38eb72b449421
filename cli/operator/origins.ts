import { parseOrigin, type Origin } from '@ngome/access'
import type { Tenant, World } from '@ngome/kernel'
import { exitCodes, Misuse, type Command, type Context, type ExitCode, type Given } from '../command.ts'
import { merchantId } from './find-merchant.ts'
import { worldOf } from './world-of.ts'

/** What the commands on a merchant's origins are given. */
export const originCommand = {
  operands: [
    { name: 'merchant', about: 'its id', isRequired: true },
    { name: 'origin', about: 'scheme, name and port, such as https://shop.example', isRequired: true },
  ],
  options: { world: { type: 'string', value: 'WORLD', about: 'test or live; test when left out' } },
} as const satisfies Partial<Command>

export function tenantOf({ operands, options: { world } }: Given): Tenant {
  return { merchant: merchantId(operands['merchant']), world: worldOf(world) }
}

/** @throws Misuse that says how a browser would write it, where that is an origin that may be added */
export function originOf(text: string | undefined, world: World): Origin {
  const given = parseOrigin(text ?? '', world)
  if (given !== undefined) return given
  const meant = parseOrigin(URL.parse(text ?? '')?.origin ?? '', world)
  const local = world === 'test' ? ', or http://localhost with a port' : ''
  throw new Misuse(`an origin is https, a name and perhaps a port, as browsers send it${local}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

/** Says what came of a change. */
export function tellOrigin(
  { out, err }: Context, { isJson }: Given, view: Tenant & { readonly origin: Origin; readonly result: string },
  { isDone, sentence }: { readonly isDone: boolean; readonly sentence: string },
): ExitCode {
  if (isJson) out(JSON.stringify(view))
  else if (isDone) out(sentence)
  else err(`ngome: ${sentence}`)
  return isDone ? exitCodes.done : exitCodes.failed
}
