import type { Socket } from 'node:net'
import { defaultKeySettings } from '@ngome/access'
import { newId, systemClock, systemRandom, type Tenant } from '@ngome/kernel'
import { createMetrics, loadConfig } from '@ngome/runtime'
import type { AuthenticatedCaller } from '../../services/gateway/http/call.ts'
import type { GatewayRequest } from '../../services/gateway/http/gateway-request.ts'
import { createLimits } from '../../services/gateway/limits/compose-limits.ts'
import { drawn } from './drawn.ts'

const from = { clock: systemClock, random: systemRandom }
/** Tokens a second that come back to all merchants together: nobody is refused, which is another way through the code. */
const tokensPerS = 20_000_000
const tokensMax = 1_000_000
const keysOfTenant = 10
/** As many connections as a gateway holds at most. */
const connections = 4_096
const longMs = 3_600_000
const operationsInTurns = ['getPayment', 'listPayments', 'createPayment'] as const

/**
 * Calls as the gateway has them: admitted by their address, then paid from key, merchant, route and address together, with the
 * RateLimit fields that their answer says. The keys come at random, each time on another connection, each from an address of its own.
 */
export async function gatewayCalls(keys: number): Promise<(count: number) => void> {
  const config = loadConfig({ NGOME_CONFIG: '' }).limits
  const wide = { ratePerS: Math.min(tokensMax, Math.ceil(tokensPerS * keysOfTenant / keys)), burst: tokensMax }
  const everywhere = { key: wide, merchant: wide, route: wide }
  // Of a process that began long ago: its buckets are full. Time stands until all keys came by, so that none is forgotten meanwhile.
  const time: { beginsAtMs: number | undefined } = { beginsAtMs: undefined }
  const limits = createLimits({
    config: { ...config, address: wide, test: everywhere, live: everywhere }, clock: systemClock, store: undefined,
    monotonicMs: () => longMs + (time.beginsAtMs === undefined ? 0 : performance.now() - time.beginsAtMs),
    find: () => Promise.resolve(undefined), onRefused: () => undefined, metrics: createMetrics({ process: 'gateway' }),
  })
  const callers = Array.from({ length: keys }, newCaller)
  const sockets = Array.from({ length: connections }, newSocket)
  for (const caller of callers) for (const operation of operationsInTurns) await limits.authorize(caller, requestOn(newSocket(caller, 0)), operation)
  time.beginsAtMs = performance.now()
  const next = drawn()
  return (count) => {
    for (let n = 0; n < count; n++) {
      const draw = next()
      const caller = callers[draw % keys] ?? never()
      const operation = operationsInTurns[n % operationsInTurns.length] ?? 'getPayment'
      const request = requestOn(sockets[draw % connections] ?? never())
      limits.admit(request, operation)
      if (limits.authorize(caller, request, operation) !== undefined) never()
    }
  }
}

let tenant: Tenant
const noOrigins: ReadonlySet<string> = new Set()

// As the authenticator makes them, one for each row in memory.
function newCaller(_: unknown, at: number): AuthenticatedCaller {
  if (at % keysOfTenant === 0) tenant = { merchant: newId('merchant', from), world: 'test' }
  const { kind, scopes, caps, mustSign } = defaultKeySettings()
  return {
    meters: undefined, tenant, apiKey: newId('apiKey', from), kind, scopes, caps, mustSign, mayCallFrom: null, origins: noOrigins,
    isVaultPlaintextAllowed: false,
  } as unknown as AuthenticatedCaller
}

// Of connections and requests there is what the limits read of them.
function newSocket(_: unknown, at: number): Socket {
  return { remoteAddress: `10.0.${at >> 8}.${at & 255}` } as unknown as Socket
}

function requestOn(socket: Socket): GatewayRequest {
  return { socket, addressBucket: undefined, answerHeaders: undefined } as unknown as GatewayRequest
}

function never(): never {
  throw new Error('nobody waits or is missing here')
}
