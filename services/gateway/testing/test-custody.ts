import type { KeyObject } from 'node:crypto'
import {
  apiKeyVerifier, defaultKeySettings, keySettingsJson, parseKeySettings, readOwnKeyRequest, scopes, signApiKey, successorSettings, type KeptApiKey, type NewApiKey,
} from '@ngome/access'
import { answerKeyLifeMs, emit, retentionClasses, type CustodianRequest, type CustodianResponse, type CustodianSecretName } from '@ngome/contracts'
import { generateMerchantKeyPair, signStatement } from '@ngome/envelope'
import { Fault, newId, Secret, systemClock, systemRandom, toBase64Url, type ApiKeyId, type MerchantSigningKeyId, type Tenant } from '@ngome/kernel'
import { signAnswerKey } from '@ngome/runtime'
import { signMerchantKey, type MerchantKey, type MerchantKeyUse } from '@ngome/signatures'
import { insertSigningKey, type Database } from '@ngome/store'
import type { CustodianAnswers, TestAuthority } from '@ngome/testkit'

const from = { clock: systemClock, random: systemRandom }

/** What the custodian keeps and answers, for a gateway under test; the private halves stay here, so that tests can open. */
export class TestCustody {
  readonly authority: TestAuthority
  readonly privateKeys = new Map<string, Secret<Uint8Array>>()
  readonly calls: string[] = []
  readonly #tenants: Tenant[] = []
  readonly #statements = new Map<string, string>()
  readonly #secrets = new Map<CustodianSecretName, Uint8Array>()
  /** By version. */
  readonly peppers = new Map([[1, new Secret(systemRandom.bytes(32))]])
  periodMs = 86_400_000
  refusesOwnKeys = false

  constructor(authority: TestAuthority) {
    this.authority = authority
  }

  addTenant(tenant: Tenant): void {
    this.#tenants.push(tenant)
  }

  secret(name: CustodianSecretName): Secret<Uint8Array> {
    const bytes = this.#secrets.get(name) ?? systemRandom.bytes(32)
    this.#secrets.set(name, bytes)
    return new Secret(Uint8Array.from(bytes))
  }

  /** What the operator gets of a key that he issues: under the newest pepper, signed. */
  keep(key: Pick<NewApiKey, 'id' | 'digest'>, tenant: Tenant, settings = defaultKeySettings()): KeptApiKey & { readonly proof: Uint8Array } {
    const [pepperVersion, pepper] = [...this.peppers].at(-1) ?? []
    if (pepper === undefined || pepperVersion === undefined) throw new TypeError('there is a pepper')
    const kept = { id: key.id, tenant, pepperVersion, verifier: apiKeyVerifier(pepper, { ...key, tenant }), settings }
    return { ...kept, proof: signApiKey(kept, this.authority.statementKeys.privateKey) }
  }

  get answers(): CustodianAnswers {
    return {
      '/v1/secret-versions': () => ({ versions: [...this.peppers.keys()].map((version) => ({ name: 'api-pepper', version })) }),
      '/v1/rehash-api-key': ({ key, digest, merchant, world, pepperVersion, settings }) => {
        this.calls.push(`/v1/rehash-api-key ${key} v${pepperVersion}`)
        const kept = this.keep({ id: key as ApiKeyId, digest: Buffer.from(digest, 'base64url') }, { merchant, world } as Tenant, parseKeySettings(settings))
        if (kept.pepperVersion === pepperVersion) return { statement: null }
        const [verifier, proof] = [toBase64Url(kept.verifier), toBase64Url(kept.proof)]
        return { statement: { pepperVersion: kept.pepperVersion, verifier, proof } }
      },
      '/v1/own-api-key': (request) => {
        this.calls.push(`/v1/own-api-key ${request.signed.target}`)
        return this.#makeOwnKey(request)
      },
      '/v1/secrets': ({ names }) => ({
        secrets: names.flatMap((name) => [...name === 'api-pepper' ? this.peppers : new Map([[1, this.secret(name)]])].map(
          ([version, value]) => ({ name, version, value: value.expose((bytes) => toBase64Url(bytes)) }),
        )),
      }),
      '/v1/replaced-keys': ({ since }) => ({ until: since, tenants: [], isWhole: true }),
      '/v1/tenants': ({ after }) => ({ tenants: after === null ? [...this.#tenants] : [] }),
      '/v1/merchant-keys': async ({ tenants }) => {
        this.calls.push('/v1/merchant-keys')
        const statements: string[] = []
        for (const tenant of tenants) {
          for (const retention of retentionClasses) {
            for (const ahead of [0, 1, 2]) statements.push(await this.#statement(tenant as Tenant, retention, ahead))
          }
        }
        return { statements }
      },
      '/v1/public-certificate': async ({ csr }) => ({
        certificate: await this.authority.issue(csr, 'gateway'), authority: this.authority.pem,
      }),
      '/v1/answer-key': ({ key }) => {
        this.calls.push('/v1/answer-key')
        const [from, until] = [-60_000, answerKeyLifeMs].map((ms) => new Date(systemClock.nowMs() + ms).toISOString())
        return { statement: signAnswerKey({ key, issued_at: from ?? '', expires_at: until ?? '' }, this.authority.statementKeys.privateKey) }
      },
      '/v1/end-signer': () => {
        this.calls.push('/v1/end-signer')
        return {}
      },
    }
  }

  /** As the custodian does, whose own tests hold that it looks at the signature first. */
  #makeOwnKey({ merchant, world, key, digest, signed, rolled }: CustodianRequest<'/v1/own-api-key'>): CustodianResponse<'/v1/own-api-key'> {
    if (this.refusesOwnKeys) throw new Fault('custodian/refused', 'the test wants it so')
    const tenant = { merchant, world } as Tenant
    const body = JSON.parse(Buffer.from(signed.body, 'base64url').toString()) as { readonly expires_in?: number }
    const reading = readOwnKeyRequest(body, { scopes, lifeMsMax: 365 * 86_400_000 }, systemClock.nowMs())
    const before = rolled === null ? undefined : parseKeySettings(rolled.settings)
    const made = reading.kind === 'settings' ? reading.settings : undefined
    const settings = rolled === null ? made : before && successorSettings({ id: rolled.key as ApiKeyId, settings: before })
    if (settings === undefined) throw new Fault('custodian/refused', 'settings')
    const kept = this.keep({ id: key as ApiKeyId, digest: Buffer.from(digest, 'base64url') }, tenant, settings)
    const statement = { pepperVersion: kept.pepperVersion, verifier: toBase64Url(kept.verifier), proof: toBase64Url(kept.proof) }
    if (rolled === null || before === undefined) return { statement, settings: keySettingsJson(settings), ended: null }
    const expiresAtMs = systemClock.nowMs() + (body.expires_in ?? 86_400) * 1_000
    const old = { id: rolled.key as ApiKeyId, tenant, pepperVersion: rolled.pepperVersion, verifier: Buffer.from(rolled.verifier, 'base64url') }
    const proof = signApiKey({ ...old, settings: { ...before, expiresAtMs } }, this.authority.statementKeys.privateKey)
    return { statement, settings: keySettingsJson(settings), ended: { proof: toBase64Url(proof), endsAt: new Date(expiresAtMs).toISOString() } }
  }

  /** A key that the custodian states for a merchant. */
  async addSigningKey(operator: Database, tenant: Tenant, publicKey: KeyObject, uses: readonly MerchantKeyUse[] = ['sign']): Promise<MerchantSigningKeyId> {
    const algorithm = publicKey.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'rsa-pss-sha512'
    const createdAtMs = from.clock.nowMs()
    const key: MerchantKey = {
      id: newId('merchantSigningKey', from), tenant, algorithm, uses, expiresAtMs: createdAtMs + 3_600_000,
      spki: publicKey.export({ format: 'der', type: 'spki' }),
    }
    const proof = signMerchantKey(key, this.authority.statementKeys.privateKey)
    await insertSigningKey(operator, { ...key, proof, createdAtMs }, emit({ ...from, process: 'operator' }, 'merchant_key.added', tenant, { key: key.id }))
    return key.id
  }

  async #statement(tenant: Tenant, retention: string, ahead: number): Promise<string> {
    const period = Math.floor(systemClock.nowMs() / this.periodMs) + ahead
    const name = `${tenant.merchant}/${tenant.world}/${retention}/${period}`
    const known = this.#statements.get(name)
    if (known !== undefined) return known
    const { publicKey, privateKey } = await generateMerchantKeyPair('hybrid')
    const keyId = newId('merchantKey', from)
    this.privateKeys.set(keyId, privateKey)
    const statement = toBase64Url(signStatement({
      keyId, tenant, retention, period, publicKey, suite: 'hybrid',
      notBeforeMs: period * this.periodMs, notAfterMs: (period + 1) * this.periodMs,
    }, this.authority.statementKeys.privateKey))
    this.#statements.set(name, statement)
    return statement
  }
}
