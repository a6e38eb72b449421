export type SealerSuite = 'hybrid' | 'fips'

export type Suite = {
  /** Second byte of what is sealed. */
  readonly number: number
  readonly label: string
  readonly kemId: number
  readonly publicKeyBytes: number
}

/** The table of docs/envelope-format.md, "Suites". */
export const suites: Readonly<Record<SealerSuite, Suite>> = {
  hybrid: {
    number: 1, kemId: 0x647a, publicKeyBytes: 1216,
    label: 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM',
  },
  fips: {
    number: 2, kemId: 0x0010, publicKeyBytes: 65,
    label: 'RFC9180/DHKEM-P256-HKDF-SHA-256/HKDF-SHA-256/AES-256-GCM',
  },
}
