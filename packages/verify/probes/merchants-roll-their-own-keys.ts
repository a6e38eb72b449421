import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Secret, type Clock, type MerchantSigningKeyId, type Random } from '@ngome/kernel'
import type { Endpoint } from '@ngome/runtime'
import { signRequest } from '@ngome/signatures'
import type { Probe } from '../probe.ts'
import { fails, holds } from '../verdict.ts'
import { ask, type ApiAnswer } from '../wire/request.ts'
import type { MerchantKeyAdder } from './signed-requests-are-verified.ts'

/** Adds a public key that only signs: to one that encrypts as well, new keys come encrypted. */
export type MerchantSignerAdder = { readonly addMerchantSigner: (publicKey: KeyObject) => ReturnType<MerchantKeyAdder['addMerchantKey']> }

type Target = MerchantSignerAdder & { readonly gateway: Endpoint; readonly authority: string; readonly clock: Clock; readonly random: Random }
type Signer = { readonly keyId: MerchantSigningKeyId; readonly privateKey: KeyObject }

const overlapS = 2
/** The lease, within which every gateway must know, and the time of one question more. */
const knownWithinMs = 2_500
const dayMs = 86_400_000

export const merchantsRollTheirOwnKeys: Probe<Target> = {
  id: 'merchants-roll-their-own-keys',
  source: import.meta.filename,
  does: 'As a merchant that signs: makes an API key, finds it in its list with the time to roll it by, and rolls it with an overlap of two seconds. Both keys must work until then, and from then on the successor alone, which then ends itself. Unsigned, signed twice, with a scope that only the operator gives, and with a signature of another key no key may be made.',
  timeMsMax: 60_000,
  run: async (target) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const { apiKey, keyId } = await target.addMerchantSigner(publicKey)
    const signer = { keyId, privateKey }
    const post = (path: string, body: object | undefined, by: Signer | null, as = apiKey, headers = signedHeaders(target, path, body, by)): Promise<ApiAnswer> =>
      ask(target.gateway, target.authority, { method: 'POST', path, apiKey: as, headers, ...body === undefined ? {} : { body } })
    const get = (path: string, as: Secret<string>): Promise<ApiAnswer> => ask(target.gateway, target.authority, { method: 'GET', path, apiKey: as })

    const wanted = { name: 'ngome verify', scopes: ['payments:read', 'keys:read'], expires_at: new Date(target.clock.nowMs() + dayMs).toISOString() }
    const once = signedHeaders(target, '/v1/api_keys', wanted, signer)
    const first = keyIn(await post('/v1/api_keys', wanted, signer, apiKey, once))
    if (first === undefined) return fails('a merchant that signed for it got no API key')
    const stranger = { keyId, privateKey: generateKeyPairSync('ed25519').privateKey }
    const refused: readonly (readonly [string, ApiAnswer])[] = [
      ['an unsigned request', await post('/v1/api_keys', wanted, null)],
      ['a request that another key signed', await post('/v1/api_keys', wanted, stranger)],
      ['a request for a scope that the operator gives', await post('/v1/api_keys', { scopes: ['keys:write'] }, signer)],
      ['a signed request that came before', await post('/v1/api_keys', wanted, signer, apiKey, once)],
    ]
    const taken = refused.find(([, { status }]) => status !== 401 && status !== 403)
    if (taken !== undefined) return fails(`${taken[0]} for an API key was answered ${taken[1].status}`)
    const listed = viewIn(await get(`/v1/api_keys/${first.id}`, first.text))
    if (listed?.rotateByMs === undefined || listed.rotateByMs <= target.clock.nowMs()) return fails('a merchant does not see by when to roll its key')
    if (listed.secret !== undefined) return fails('the text of a key is shown a second time')
    const path = `/v1/api_keys/${first.id}/roll`
    const answer = await post(path, { expires_in: overlapS }, signer)
    const [second, endsAtMs] = [keyIn(answer), viewIn(answer)?.oldWorksUntilMs]
    if (second === undefined || endsAtMs === undefined) return fails(`a merchant that signed for it could not roll its key: ${answer.status}`)
    const works = async (key: Secret<string>): Promise<boolean> => (await get('/v1/payments?limit=1', key)).status === 200
    if (!await works(second.text)) return fails('the successor of a key does not work')
    if (!await works(first.text) && target.clock.nowMs() < endsAtMs) return fails('a key that was rolled does not work until its end')
    await sleep(Math.max(0, endsAtMs - target.clock.nowMs()))
    if (!await isSoon(target.clock, async () => !await works(first.text))) return fails('a key that was rolled works past its end')
    if (!await works(second.text)) return fails('the successor ended with the key that it replaced')
    if ((await post('/v1/api_keys/self/revoke', undefined, null, second.text)).status !== 200) return fails('a key could not end itself')
    if (!await isSoon(target.clock, async () => !await works(second.text))) return fails('a key that ended itself works on')
    return holds(`a merchant made, saw, rolled and ended keys of its own by what it signed; ${refused.length} requests that it did not sign so got 401 or 403`)
  },
}

/** Headers of a request with its idempotency key, signed or not. */
function signedHeaders({ clock, random }: Target, path: string, body: object | undefined, by: Signer | null): Record<string, string> {
  if (body === undefined) return {}
  const idempotencyKey = Buffer.from(random.bytes(16)).toString('hex')
  if (by === null) return { 'idempotency-key': idempotencyKey }
  const bytes = Buffer.from(JSON.stringify(body))
  return {
    'idempotency-key': idempotencyKey,
    ...signRequest({ method: 'POST', host: 'localhost', target: path, body: bytes, idempotencyKey }, { ...by, clock, random }),
  }
}

async function isSoon(clock: Clock, isSo: () => Promise<boolean>): Promise<boolean> {
  const startedAtMs = clock.nowMs()
  while (!await isSo()) if (clock.nowMs() - startedAtMs > knownWithinMs) return false
  return true
}

function keyIn(answer: ApiAnswer): { readonly id: string; readonly text: Secret<string> } | undefined {
  const view = answer.status === 201 ? viewIn(answer) : undefined
  return view?.secret === undefined ? undefined : { id: view.id, text: view.secret }
}

function viewIn({ text }: ApiAnswer) {
  const view = parsed(text)
  if (typeof view['id'] !== 'string') return undefined
  const time = (name: string): number | undefined => (typeof view[name] === 'string' ? Date.parse(view[name]) : undefined)
  return {
    id: view['id'], secret: typeof view['secret'] === 'string' ? new Secret(view['secret']) : undefined,
    rotateByMs: time('rotate_by'), oldWorksUntilMs: time('old_key_works_until'),
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
