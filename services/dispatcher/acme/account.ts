import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, parseStrictJson, type Random } from '@ngome/kernel'
import { readOwnFile, writeOwnFile, type Config } from '@ngome/runtime'
import { calculateJwkThumbprint, FlattenedSign } from 'jose'
import { z } from 'zod'
import { AcmeFailure, own } from './acme-failure.ts'
import type { AccountKey, AcmeSession } from './acme-session.ts'
import { accountSchema, readAnswer } from './answers.ts'

export type AcmeSettings = NonNullable<Config['gateway']['tls']['acme']>
export type Account = AccountKey & {
  /** The authority's name for it, once it is registered; RFC 8657 can pin issuance to it. */
  readonly accountUrl: string | null
  /** Of the key (RFC 7638), the second half of every key authorization. */
  readonly thumbprint: string
}

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const fileSchema = z.strictObject({
  directoryUrl: z.string(),
  accountUrl: z.string().nullable(),
  key: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate, d: coordinate }),
})
type AccountFile = z.output<typeof fileSchema>
const bounds = { depthMax: 2, nodesMax: 16 }

/** The account's key and address: a file of the dispatcher's own folder (0600), one for each directory. */
export class AccountKeeper {
  readonly #folder: string
  readonly #settings: AcmeSettings
  readonly #random: Random

  /** @param folder the dispatcher's own */
  constructor(folder: string, settings: AcmeSettings, random: Random) {
    this.#folder = join(folder, 'acme')
    this.#settings = settings
    this.#random = random
  }

  /**
   * The account at the session's authority, registered where it is not yet; its key is kept before it is shown to anybody.
   * @throws AcmeFailure, Fault `config/invalid`
   */
  async open(session: AcmeSession): Promise<Account & { readonly accountUrl: string }> {
    const file = this.#read() ?? this.#make()
    const account = await accountOf(file)
    if (account.accountUrl !== null) return { ...account, accountUrl: account.accountUrl }
    const accountUrl = await this.#register(session, account)
    this.#write({ ...file, accountUrl })
    return { ...account, accountUrl }
  }

  /** The authority knows the account no more; its key may register again. */
  forgetAddress(): void {
    const file = this.#read()
    if (file !== undefined) this.#write({ ...file, accountUrl: null })
  }

  async #register(session: AcmeSession, account: Account): Promise<string> {
    const { contact, externalAccount } = this.#settings
    const url = session.directory.newAccount
    const answer = await session.post(url, {
      termsOfServiceAgreed: true,
      ...contact.length === 0 ? {} : { contact },
      ...externalAccount === undefined ? {} : { externalAccountBinding: await bind(externalAccount, account, url) },
    }, { ...account, accountUrl: null })
    const { status } = readAnswer(answer.body, accountSchema, 'the account')
    if (status !== 'valid' || answer.location === undefined) throw new AcmeFailure(own('account_invalid'), `the account is ${status}`)
    return answer.location
  }

  #read(): AccountFile | undefined {
    const text = readOwnFile(this.#path())
    if (text === undefined) return undefined
    const json = parseStrictJson(Buffer.from(text), bounds)
    const parsed = fileSchema.safeParse(json.ok ? json.value : undefined)
    // Without the parser's words, which might quote the key.
    if (!parsed.success || parsed.data.directoryUrl !== this.#settings.directoryUrl) throw new Fault('config/invalid', `${this.#path()} holds no account; remove it, and another is made`)
    return parsed.data
  }

  #make(): AccountFile {
    const { directoryUrl } = this.#settings
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    const file = fileSchema.parse({ directoryUrl, accountUrl: null, key })
    this.#write(file)
    return file
  }

  #write(file: AccountFile): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    writeOwnFile(this.#path(), `${JSON.stringify(file)}\n`, { random: this.#random })
  }

  #path(): string {
    return join(this.#folder, `${createHash('sha256').update(this.#settings.directoryUrl).digest('hex').slice(0, 16)}.json`)
  }
}

async function accountOf({ key, accountUrl }: AccountFile): Promise<Account> {
  const privateKey = createPrivateKey({ key, format: 'jwk' })
  const { x, y } = key
  const publicJwk = { kty: 'EC', crv: 'P-256', x, y }
  // A file whose halves do not belong together would sign what nobody can check.
  if (createPublicKey(privateKey).export({ format: 'jwk' }).x !== x) throw new Fault('config/invalid', 'the account\'s key does not fit its public half')
  return { privateKey, publicJwk, accountUrl, thumbprint: await calculateJwkThumbprint(publicJwk) }
}

/** RFC 8555 §7.3.4: the authority's own key for us says whose this account is. */
async function bind({ keyId, macKey }: NonNullable<AcmeSettings['externalAccount']>, { publicJwk }: AccountKey, url: string): Promise<object> {
  if (macKey === undefined) throw new AcmeFailure(own('external_account_incomplete'), 'gateway.tls.acme.externalAccount has no macKey')
  return new FlattenedSign(Buffer.from(JSON.stringify(publicJwk))).setProtectedHeader({ alg: 'HS256', kid: keyId, url })
    .sign(macKey.expose((text) => Buffer.from(text, 'base64url')))
}
