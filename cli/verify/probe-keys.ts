import type { KeyObject } from 'node:crypto'
import { defaultKeySettings, parseApiKey, parseOrigin } from '@ngome/access'
import { emit, type SigningKeyUse } from '@ngome/contracts'
import { Fault, toBase64Url, type ApiKeyId, type MerchantSigningKeyId, type Secret, type Tenant } from '@ngome/kernel'
import { addOrigin, listApiKeys, revokeApiKey, type MerchantLimit } from '@ngome/store'
import type { Config } from '@ngome/runtime'
import type { Decided, ProbeMerchant } from '@ngome/verify'
import { addMerchantKey } from '../operator/add-merchant-key.ts'
import { createApiKey } from '../operator/create-api-key.ts'
import { createMerchant, type OperatorAccess } from '../operator/create-merchant.ts'
import { allMerchants } from '../operator/find-merchant.ts'
import { keyView, remindersOf, type KeyView } from '../operator/key-view.ts'
import { revokeMerchantKey } from '../operator/revoke-merchant-key.ts'
import { rollApiKey } from '../operator/roll-api-key.ts'
import { setLimits } from '../operator/set-limits.ts'

/** The probes' own merchants, made at their first run; their payments are in the test world and say what they are. */
const merchantNames = {
  first: 'Ngome verify, first', second: 'Ngome verify, second', limited: 'Ngome verify, limited', told: 'Ngome verify, told',
  signer: 'Ngome verify, signer', payouts: 'Ngome verify, two people', batches: 'Ngome verify, two people and batches',
} as const
type Which = keyof typeof merchantNames
type SigningMerchant = ProbeMerchant & { readonly keyId: MerchantSigningKeyId }

/** Should the probes be killed, their keys end by themselves. */
const merchantKeyMs = 3_600_000

/** Merchants and keys for the probes. Every key that is issued here is revoked by {@link ProbeKeys.revokeAll}. */
export class ProbeKeys {
  readonly #operator: () => Promise<OperatorAccess>
  readonly #issued: { readonly tenant: Tenant; readonly id: ApiKeyId }[] = []
  readonly #added: { readonly tenant: Tenant; readonly keyId: MerchantSigningKeyId }[] = []
  readonly #merchants = new Map<Which, Promise<ProbeMerchant>>()
  /** One after another: two probes that both find no merchant would make two. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(operator: () => Promise<OperatorAccess>) {
    this.#operator = operator
  }

  merchant(which: Which): Promise<ProbeMerchant> {
    const known = this.#merchants.get(which)
    if (known !== undefined) return known
    const making = this.#inOrder(() => this.#make(which))
    this.#merchants.set(which, making)
    return making
  }

  /** One that has limits of its own, and keeps them: they are given anew before each use. */
  async limitedMerchant(limit: MerchantLimit): Promise<ProbeMerchant> {
    const made = await this.merchant('limited')
    await setLimits(await this.#operator(), made.tenant, limit)
    return made
  }

  async issueKeys(count: number): Promise<readonly Secret<string>[]> {
    const { tenant } = await this.merchant('first')
    return this.#inOrder(async () => {
      const keys: Secret<string>[] = []
      while (keys.length < count) keys.push(await this.#issue(tenant))
      return keys
    })
  }

  async issueKeyToRoll(rotateAfterS: number | null): Promise<Secret<string>> {
    const { tenant } = await this.merchant('first')
    return this.#inOrder(() => this.#issue(tenant, { ...defaultKeySettings(), rotateAfterS }))
  }

  /** What `ngome keys list` says of a key. */
  async listedKey(key: Secret<string>, config: Config): Promise<KeyView | undefined> {
    const { tenant } = await this.merchant('first')
    const { db, clock } = await this.#operator()
    const row = (await listApiKeys(db, tenant)).find(({ id }) => id === idOf(key))
    return row === undefined ? undefined : keyView(row, remindersOf(config), clock.nowMs())
  }

  /** A key for pages of that origin. */
  async browserKey(): Promise<{ readonly apiKey: Secret<string>; readonly origin: string }> {
    const { tenant } = await this.merchant('first')
    const origin = await this.pageOrigin()
    return { origin, apiKey: await this.#inOrder(() => this.#issue(tenant, defaultKeySettings('publishable'))) }
  }

  /** An origin of the first merchant's pages: one that nobody can have (RFC 6761 §6.4), so that it may stay on the list. */
  async pageOrigin(): Promise<string> {
    const { tenant } = await this.merchant('first')
    const origin = parseOrigin('https://pages.ngome-verify.invalid', tenant.world)
    if (origin === undefined) throw new TypeError('the probes\u2019 origin is one')
    return this.#inOrder(async () => {
      const { db, clock, random } = await this.#operator()
      const event = emit({ clock, random, process: 'operator' }, 'merchant.origin_added', tenant, { origin })
      await addOrigin(db, tenant, origin, clock.nowMs(), event)
      return origin
    })
  }

  async rollKey(key: Secret<string>, overlapMs: number): Promise<{ readonly successor: Secret<string>; readonly endsAtMs: number }> {
    const rolled = await rollApiKey(await this.#operator(), idOf(key), overlapMs)
    if (rolled.kind !== 'rolled') throw new Fault('launcher/failed', `a key of the probes could not be rolled: ${rolled.kind}`)
    this.#issued.push({ tenant: rolled.tenant, id: rolled.successor })
    return { successor: rolled.text, endsAtMs: rolled.endsAtMs }
  }

  async revokeKey(key: Secret<string>): Promise<void> {
    const id = idOf(key)
    for (const issued of this.#issued) if (issued.id === id) await this.#revoke(issued)
  }

  /**
   * Adds a public key to sign with and to encrypt to. What is encrypted goes to a merchant's newest key: probes that add one at the same
   * time each need a merchant of their own.
   */
  addMerchantKey(publicKey: KeyObject, of: 'second' | 'told'): Promise<SigningMerchant> {
    return this.#addKey(of, publicKey, ['sign', 'encrypt'])
  }

  /** Adds one to sign with; of a merchant of its own: to whom one to encrypt to is added meanwhile, answers would come encrypted. */
  addMerchantSigner(publicKey: KeyObject): Promise<SigningMerchant> {
    return this.#addKey('signer', publicKey, ['sign'])
  }

  /** Two people of one merchant, one for each that they decide: what it has is compared. */
  async addPayoutPeople(decided: Decided, first: KeyObject, second: KeyObject): Promise<readonly [SigningMerchant, SigningMerchant]> {
    const ordering = await this.#addKey(decided, first, ['sign'])
    const deciding = await this.#addKey(decided, second, ['sign'])
    return [ordering, { ...deciding, apiKey: await this.#inOrder(() => this.#issue(ordering.tenant)) }]
  }

  async #addKey(which: Which, publicKey: KeyObject, uses: readonly SigningKeyUse[]): Promise<SigningMerchant> {
    const merchant = await this.merchant(which)
    const operator = await this.#operator()
    const { id: keyId } = await addMerchantKey(operator, merchant.tenant, {
      from: { spki: toBase64Url(publicKey.export({ format: 'der', type: 'spki' })) }, uses,
      expiresAtMs: operator.clock.nowMs() + merchantKeyMs,
    })
    this.#added.push({ tenant: merchant.tenant, keyId })
    return { ...merchant, keyId }
  }

  async revokeAll(): Promise<void> {
    for (const { tenant, keyId: key } of this.#added) {
      const { custodian, ...operator } = await this.#operator()
      await revokeMerchantKey({ ...operator, tellCustodian: (revoked) => custodian.call('/v1/revoke-merchant-signing-key', revoked) }, tenant, key)
    }
    for (const issued of this.#issued) await this.#revoke(issued)
  }

  async #revoke({ tenant, id }: { readonly tenant: Tenant; readonly id: ApiKeyId }): Promise<void> {
    const { db, clock, random } = await this.#operator()
    const event = emit({ clock, random, process: 'operator' }, 'api_key.revoked', tenant, { key: id })
    await revokeApiKey(db, tenant, id, clock.nowMs(), event)
  }

  async #make(which: Which): Promise<ProbeMerchant> {
    const operator = await this.#operator()
    for await (const { id, name, frozenAtMs } of allMerchants(operator.db)) {
      if (name === merchantNames[which] && frozenAtMs === null) return this.#withKey({ merchant: id, world: 'test' })
    }
    return this.#withKey({ merchant: await createMerchant(operator, merchantNames[which]), world: 'test' })
  }

  async #withKey(tenant: Tenant): Promise<ProbeMerchant> {
    return { tenant, apiKey: await this.#issue(tenant) }
  }

  async #issue(tenant: Tenant, settings = defaultKeySettings()): Promise<Secret<string>> {
    const { id, text } = await createApiKey(await this.#operator(), tenant, settings)
    this.#issued.push({ tenant, id })
    return text
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result.catch(() => undefined)
    return result
  }
}

function idOf(key: Secret<string>): ApiKeyId {
  const parsed = key.expose((text) => parseApiKey(text))
  if (parsed === undefined) throw new TypeError('a key that was issued is one')
  return parsed.id
}
