import type { Clock } from '@ngome/kernel'
import { holdDigest } from '../answers/sign-answers.ts'
import { originHolder } from '../browsers/hold-origin.ts'
import { refuseForeignFetch } from '../browsers/refuse-fetch.ts'
import { inOrder, type Guards } from '../http/guards.ts'
import type { Limits } from '../limits/compose-limits.ts'
import type { Defences } from '../process/defend.ts'
import { authorizeCall } from './authorize-call.ts'
import { refuseSuspended } from './refuse-suspended.ts'

/** The guards of every request, in their order. A new one joins here. */
export function composeGuards({ authenticate, askedToSign, clock, onSeenInBrowser, limits, shedding, verify }: {
  readonly authenticate: Guards['authenticate']
  readonly askedToSign: Guards['authorize']
  readonly clock: Clock
  readonly onSeenInBrowser: Parameters<typeof originHolder>[0]
  readonly limits: Pick<Limits, 'admit' | 'authorize'>
  readonly shedding: Defences['shedding']
  readonly verify: Guards['verify']
}): Guards {
  return {
    admit: inOrder(refuseForeignFetch, limits.admit, (request, operation) => shedding.admit(request, operation)),
    authenticate,
    authorize: inOrder<Parameters<Guards['authorize']>>(askedToSign, refuseSuspended(clock), originHolder(onSeenInBrowser), authorizeCall, limits.authorize),
    verify: inOrder(holdDigest, verify, (_call, request, operation) => shedding.begin(request, operation)),
  }
}
