import { createHash } from 'node:crypto'
import type { Random, Secret } from '@ngome/kernel'
import { addressOf, type Endpoint } from '@ngome/runtime'
import { ConfigurationError, ConnectionError, Ngome, NotFoundError, PeerError, RateLimitError, ValidationError, type AttemptReport, type NgomeOptions } from '@ngome/sdk'
import { NotReached, type Probe } from '../probe.ts'
import type { ProbeMerchants } from '../probe-merchant.ts'
import { fails, holds, type Verdict } from '../verdict.ts'
import { withLossyRelay } from '../wire/lossy-relay.ts'

type Target = ProbeMerchants & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly random: Random
  /** The SDK, unless a test puts a worse one in its place. */
  readonly makeClient?: (options: NgomeOptions) => Ngome
}

type Stand = {
  readonly make: (options?: NgomeOptions) => Ngome
  readonly attempts: AttemptReport[]
  readonly target: Target
}

/** What a loop that ran away asks for at once, and what the client is told to let through. */
const runaway = 300
const rateLimits = { ratePerS: 10, burst: 5, queueMax: 5 } as const

export const sdkIntegratesSafely: Probe<Target> = {
  id: 'sdk-integrates-safely',
  source: import.meta.filename,
  does: 'Runs the SDK against the live gateway: it must refuse plain HTTP, a world that is not its key\'s and a peer whose key is not pinned; refuse a bad amount before anything is sent; name errors by class, code and request; repeat a call whose answer a relay lost, with one effect; and hold back a loop that asks 300 times at once.',
  timeMsMax: 60_000,
  run: async (target) => {
    const { apiKey } = await target.merchant('first')
    const attempts: AttemptReport[] = []
    const clients: Ngome[] = []
    const makeClient = target.makeClient ?? ((options: NgomeOptions) => new Ngome(options))
    const make = (options: NgomeOptions = {}): Ngome => {
      const client = makeClient({ ...optionsOf(target, apiKey), onAttempt: (report) => attempts.push(report), onWarning: () => undefined, ...options })
      clients.push(client)
      return client
    }
    const stand = { make, attempts, target }
    try {
      for (const look of [refusesBadOptions, refusesAnUnpinnedPeer, namesErrors, actsOnce, holdsBack]) {
        const problem = await look(stand)
        if (problem !== undefined) return problem
      }
    } finally {
      for (const client of clients) client.close()
    }
    return holds('plain HTTP, the wrong world, an unpinned peer and a bad amount refused with nothing sent; errors have their class; one effect where the answer was lost; a loop held back')
  },
}

function optionsOf({ gateway, authority }: Target, apiKey: Secret<string>): NgomeOptions {
  return { apiKey: apiKey.expose((text) => text), baseUrl: `https://${nameOf(gateway)}:${gateway.port}`, ca: authority, world: 'test' }
}

/** The gateway's certificate is for names; loopback's is always among them. */
function nameOf({ host }: Endpoint): string {
  return host === '127.0.0.1' || host === '::1' ? 'localhost' : host
}

function refusesBadOptions({ make, target }: Stand): Promise<Verdict | undefined> {
  const bad: readonly (readonly [string, NgomeOptions])[] = [
    ['plain HTTP', { baseUrl: `http://${nameOf(target.gateway)}:${target.gateway.port}` }],
    ['a key of the other world', { world: 'live' }],
  ]
  for (const [what, options] of bad) {
    const error = made(() => make(options))
    if (error === undefined) return Promise.resolve(fails(`the SDK is made for ${what}`))
    if (!(error instanceof ConfigurationError)) return Promise.resolve(fails(`the SDK refuses ${what} with ${nameOfError(error)}`))
  }
  return Promise.resolve(undefined)
}

async function refusesAnUnpinnedPeer({ make, attempts }: Stand): Promise<Verdict | undefined> {
  const pins = [createHash('sha256').update('nobody\'s key').digest('base64')]
  attempts.length = 0
  const error = await outcome(make({ pins, retriesMax: 0 }).payments.list().first())
  if (error instanceof PeerError) return undefined
  if (error instanceof ConnectionError) throw new NotReached('the gateway is not reached through the SDK')
  return fails(`the SDK talks to a peer whose key is not pinned (${nameOfError(error)})`)
}

async function namesErrors({ make, attempts, target }: Stand): Promise<Verdict | undefined> {
  const ngome = make()
  attempts.length = 0
  const amount = 5 as unknown as string
  const payment = { amount, currency: 'EUR', network: 'none', payer: { phone: '+256771234567' }, reference: 'probe' }
  const refused = await outcome(ngome.payments.create(payment))
  if (!(refused instanceof ValidationError) || attempts.length > 0) return fails('the SDK sends an amount that is a number')
  const unknown = await outcome(ngome.payments.get(`pay_${'0'.repeat(26)}`))
  if (unknown instanceof ConnectionError) throw new NotReached(`${addressOf(target.gateway)} is not reached through the SDK`)
  if (!(unknown instanceof NotFoundError) || unknown.code !== 'payments/unknown' || unknown.requestId === undefined) {
    return fails(`a payment that is not there is ${nameOfError(unknown)} to the SDK's caller`)
  }
  return undefined
}

async function actsOnce({ make, attempts, target }: Stand): Promise<Verdict | undefined> {
  const mark = Buffer.from(target.random.bytes(16)).toString('hex')
  return withLossyRelay(target.gateway, 1, async (relay) => {
    attempts.length = 0
    const through = make({ baseUrl: `https://localhost:${relay.port}` })
    const error = await outcome(through.vault.tokens.create({ type: 'text', value: `probe ${mark}`, metadata: { probe: mark } }))
    if (error !== undefined) return fails(`a call whose answer was lost ends as ${nameOfError(error)}`)
    if (relay.lost() !== 1 || attempts.length < 2) throw new NotReached('no answer was lost, so that nothing was repeated')
    const ngome = make()
    const { data } = await ngome.vault.tokens.list({ limit: 100 }).first()
    const kept = data.filter(({ metadata }) => metadata['probe'] === mark)
    for (const { id } of kept) await ngome.vault.tokens.delete(id)
    return kept.length === 1 ? undefined : fails(`a call whose answer was lost acted ${kept.length} times`)
  })
}

async function holdsBack({ make, attempts }: Stand): Promise<Verdict | undefined> {
  const ngome = make({ rateLimits, retriesMax: 0 })
  attempts.length = 0
  const startedAtMs = performance.now()
  const errors = await Promise.all(Array.from({ length: runaway }, () => outcome(ngome.payments.list({ limit: 1 }).first())))
  const seconds = (performance.now() - startedAtMs) / 1_000
  const held = errors.filter((error) => error instanceof RateLimitError).length
  const sentMax = rateLimits.burst + rateLimits.ratePerS * seconds
  if (attempts.length > sentMax) return fails(`a loop sent ${attempts.length} requests in ${seconds.toFixed(1)} s, ${Math.floor(sentMax)} at most`)
  return held === 0 ? fails('a loop that ran away heard nothing of it') : undefined
}

async function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => undefined, (error: unknown) => error)
}

function made(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}

function nameOfError(error: unknown): string {
  if (error === undefined) return 'a success'
  return error instanceof Error ? `${error.name}${'code' in error ? ` ${String(error.code)}` : ''}` : 'no error'
}
