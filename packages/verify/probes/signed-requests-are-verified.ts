import type { KeyObject } from 'node:crypto'
import type { Clock, MerchantSigningKeyId, Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { signRequest } from '@ngome/signatures'
import type { Probe } from '../probe.ts'
import type { ProbeMerchant } from '../probe-merchant.ts'
import { fails, holds } from '../verdict.ts'
import { newMerchantPair, openJwe, strangersPair } from '../wire/merchant-pair.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'

/** Adds a public key for a merchant of the probes, as the operator adds one; it is revoked when the probes are done. */
export type MerchantKeyAdder = {
  readonly addMerchantKey: (publicKey: KeyObject) => Promise<ProbeMerchant & { readonly keyId: MerchantSigningKeyId }>
}

type Target = MerchantKeyAdder & {
  readonly gateway: Endpoint
  readonly authority: string
  readonly clock: Clock
  readonly random: Random
}

const path = '/v1/payments?limit=1'
/** What `requestBytes` sends. */
const host = 'localhost'

export const signedRequestsAreVerified: Probe<Target> = {
  id: 'signed-requests-are-verified',
  source: import.meta.filename,
  does: 'Adds an RSA key for a merchant of the probes and reads its payments in a signed request, which must be answered. The same request again, one with another query, one that another key signed, and an unsigned change of webhooks must get 401. Then it asks for an encrypted answer, which its private key must open and another must not.',
  timeMsMax: 60_000,
  run: async (target) => {
    const own = newMerchantPair()
    const foreign = strangersPair()
    const { apiKey, keyId } = await target.addMerchantKey(own.publicKey)
    const read = (headers: Readonly<Record<string, string>>, from = path): Promise<ApiAnswer> =>
      ask(target.gateway, target.authority, { method: 'GET', path: from, apiKey, headers })
    const signed = (privateKey: KeyObject) => ({
      ...signRequest({ method: 'GET', host, target: path, body: new Uint8Array() }, { keyId, privateKey, clock: target.clock, random: target.random }),
    })
    const once = signed(own.privateKey)
    const first = await read(once)
    if (first.status !== 200) return fails(`a request that its merchant signed was answered ${first.status}`)
    const refused: readonly (readonly [string, ApiAnswer])[] = [
      ['a signed request that came before', await read(once)],
      ['a signed request whose query was changed', await read(signed(own.privateKey), '/v1/payments?limit=2')],
      ['a request that another key signed', await read(signed(foreign.privateKey))],
      ['an unsigned change of webhooks', await ask(target.gateway, target.authority, {
        method: 'POST', path: '/v1/webhook_endpoints', apiKey, body: { url: 'https://probe.invalid/hook' },
        headers: { 'idempotency-key': `probe-${Buffer.from(target.random.bytes(16)).toString('hex')}` },
      })],
    ]
    const taken = refused.find(([, { status }]) => status !== 401)
    if (taken !== undefined) return fails(`${taken[0]} was answered ${taken[1].status}`)
    const answer = await read({ accept: 'application/jose' })
    if (openJwe(answer.text, own.privateKey) !== first.text) return fails('an answer that was asked for encrypted does not open with the merchant\'s key')
    if (openJwe(answer.text, foreign.privateKey) !== undefined) return fails('an encrypted answer opens with another key')
    return holds('a signed request was answered; repeated, changed, signed by another key or unsigned where it must be it got 401; an encrypted answer opened with the merchant\'s key alone')
  },
}
