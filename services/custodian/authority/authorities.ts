import { createHmac } from 'node:crypto'
import { equalsInConstantTime, Fault, lengthPrefixed, type Secret } from '@ngome/kernel'
import { authorityMark } from '@ngome/runtime'
import type { X509Certificate } from '@peculiar/x509'
import type { KeyLabel, RootKey } from '../root-keys/root-key.ts'
import type { Reading, Row } from '../store/store.ts'
import { unwrapKey } from '../store/wrapped-keys.ts'
import { loadAuthority, type Authority } from './authority.ts'

type From = { readonly store: Reading; readonly root: RootKey; readonly rowTagKey: Secret<Uint8Array> }
type Loaded = { readonly states: string; readonly issuer: Authority; readonly version: number; readonly newest: number; readonly pem: string; readonly mark: string }

export function authorityLabel(version: number): KeyLabel {
  return { purpose: 'authority', name: `v${version}` }
}

/**
 * The certificate authorities of now: the one that issues, and while it is replaced the next or the one before, which are
 * only trusted. The store says which; a twin may have changed it.
 */
export class Authorities implements Authority {
  readonly #from: From
  readonly #listeners = new Set<() => void>()
  #loaded: Loaded

  private constructor(from: From, loaded: Loaded) {
    this.#from = from
    this.#loaded = loaded
  }

  /** @throws Fault `custodian/start_refused`, `custodian/key_unusable` */
  static async load(from: From): Promise<Authorities> {
    return new Authorities(from, await load(from))
  }

  get certificate(): X509Certificate {
    return this.#loaded.issuer.certificate
  }

  get signingKey(): CryptoKey {
    return this.#loaded.issuer.signingKey
  }

  /** Of the one that issues. */
  get version(): number {
    return this.#loaded.version
  }

  /** The latest that is trusted. */
  get newest(): number {
    return this.#loaded.newest
  }

  /** All that are trusted now, the one that issues first. */
  get pem(): string {
    return this.#loaded.pem
  }

  /** Names them all, in their order. */
  get mark(): string {
    return this.#loaded.mark
  }

  /** Calls the listener after each change. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Takes up what the store says now. */
  async refresh(): Promise<void> {
    if (statesOf(await livingRows(this.#from.store)) === this.#loaded.states) return
    this.#loaded = await load(this.#from)
    for (const listener of this.#listeners) listener()
  }
}

/** Ties an authority's certificate to this custodian once its key is gone, which proved it before. */
export function authorityTag(rowTagKey: Secret<Uint8Array>, version: number, certificate: string): Uint8Array {
  return rowTagKey.expose((key) =>
    createHmac('sha256', key).update(lengthPrefixed('ngome/authority-row/v1', version, certificate)).digest())
}

function livingRows(store: Reading): Promise<readonly Row[]> {
  return store.all(`SELECT a.version, a.certificate, a.tag, l.state FROM authorities a
    JOIN key_lives l ON l.purpose = 'authority' AND l.name = 'v' || a.version
    WHERE l.state <> 'destroyed' ORDER BY a.version DESC`)
}

function statesOf(rows: readonly Row[]): string {
  return rows.map((row) => `${String(row['version'])} ${String(row['state'])}`).join()
}

async function load(from: From): Promise<Loaded> {
  const rows = await livingRows(from.store)
  const [active, ...more] = rows.filter((row) => row['state'] === 'active')
  if (active === undefined || more.length > 0) throw new Fault('custodian/start_refused', 'the store has keys but not one authority that issues')
  const issuer = await withKey(from, active)
  const others = rows.filter((row) => row !== active)
  for (const row of others) await assertOurs(from, row)
  const pem = [active, ...others].map((row) => `${String(row['certificate']).trim()}\n`).join('')
  return {
    states: statesOf(rows), issuer, version: Number(active['version']), newest: Number(rows[0]?.['version']),
    pem, mark: authorityMark(pem),
  }
}

/** Whoever writes in the store without the root key must not have us hand out an authority of his own. */
async function assertOurs(from: From, row: Row): Promise<void> {
  if (row['state'] === 'pending') {
    await withKey(from, row)
    return
  }
  const tag = authorityTag(from.rowTagKey, Number(row['version']), String(row['certificate']))
  const kept = row['tag'] as Uint8Array | null
  if (kept !== null && equalsInConstantTime(kept, tag)) return
  throw new Fault('custodian/start_refused', 'an authority\'s certificate is not one that this custodian made')
}

async function withKey(from: From, row: Row): Promise<Authority> {
  const key = await unwrapKey(from, authorityLabel(Number(row['version'])))
  try {
    return await loadAuthority(String(row['certificate']), key)
  } finally {
    key.expose((bytes) => bytes.fill(0))
  }
}
