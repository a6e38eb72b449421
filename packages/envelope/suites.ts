/** A suite by the operator's word for it: what `keys.suite` selects. */
export type SuiteName = 'hybrid' | 'fips'

export type Suite = {
  /** Second byte of every blob. A number is given once and never again. */
  readonly number: number
  /** Second field of statements and sealed data keys: source, KEM, KDF, AEAD. */
  readonly label: string
  /** Second field of the record context. */
  readonly recordLabel: string
  readonly kem: {
    readonly name: string
    readonly id: number
    readonly encBytes: number
    readonly publicKeyBytes: number
    readonly privateKeyBytes: number
    /** With which byte public keys and encapsulated secrets begin, where their form says so. */
    readonly startsWith: number | null
  }
  readonly kdf: { readonly name: string; readonly id: number }
  readonly aead: { readonly name: string; readonly id: number }
  /** The text that defines the key encapsulation. */
  readonly source: string
  /** `default`, `selectable`, or `opens-only`: on its way out, so that nothing new is made in it. */
  readonly status: 'default' | 'selectable' | 'opens-only'
  /** Whether it withstands somebody who records today and has a quantum computer later. */
  readonly isPostQuantum: boolean
}

const hkdfSha256 = { name: 'HKDF-SHA-256', id: 0x0001 } as const
const aes256Gcm = { name: 'AES-256-GCM', id: 0x0002 } as const

/**
 * Every suite there is. A merchant key is made in one and says so for its life; whoever opens compares and never
 * chooses. Both seal records by one HMAC-SHA-512 step and AES-256-GCM, and sign by Ed25519 (FIPS 186-5 §7.8).
 */
export const suites: Readonly<Record<SuiteName, Suite>> = {
  hybrid: {
    number: 1,
    label: 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM',
    recordLabel: 'HMAC-SHA-512/AES-256-GCM',
    // draft-ietf-hpke-pq-05 §4. enc: ML-KEM-768 ciphertext (1,088) and X25519 key (32); public: 1,184 and 32; a seed.
    kem: { name: 'MLKEM768-X25519', id: 0x647a, encBytes: 1120, publicKeyBytes: 1216, privateKeyBytes: 32, startsWith: null },
    kdf: hkdfSha256, aead: aes256Gcm,
    source: 'draft-ietf-hpke-pq-05', status: 'default', isPostQuantum: true,
  },
  fips: {
    number: 2,
    label: 'RFC9180/DHKEM-P256-HKDF-SHA-256/HKDF-SHA-256/AES-256-GCM',
    recordLabel: 'suite-2/HMAC-SHA-512/AES-256-GCM',
    // RFC 9180 §7.1.1: uncompressed points (SEC 1 §2.3.3), and a scalar.
    kem: {
      name: 'DHKEM(P-256, HKDF-SHA-256)', id: 0x0010, encBytes: 65, publicKeyBytes: 65, privateKeyBytes: 32, startsWith: 0x04,
    },
    kdf: hkdfSha256, aead: aes256Gcm,
    source: 'RFC 9180', status: 'selectable', isPostQuantum: false,
  },
}

export const suiteNames: readonly SuiteName[] = ['hybrid', 'fips']

// By the second byte of a blob: each record that is read asks.
const nameOf: readonly (SuiteName | undefined)[] = Array.from(
  { length: 256 }, (_, number) => suiteNames.find((name) => suites[name].number === number),
)

/** @returns the suite of a blob's second byte, or `undefined` where there is none of that number */
export function suiteNumbered(number: number | undefined): SuiteName | undefined {
  return number === undefined ? undefined : nameOf[number]
}

/**
 * Whether bytes begin as a suite's public keys and encapsulated secrets do. OpenSSL also takes a point in the hybrid form of
 * ANSI X9.62, of the same length: a second way to write one key, which the suite does not have.
 */
export function hasKeyForm({ kem: { startsWith } }: Suite, bytes: Uint8Array): boolean {
  return startsWith === null || bytes[0] === startsWith
}

/** @throws TypeError where a suite only opens what was sealed before: the caller has a bug */
export function assertSeals(suite: Suite): void {
  if (suite.status === 'opens-only') throw new TypeError(`suite ${suite.number} makes nothing new`)
}
