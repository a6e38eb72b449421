/** Names the layout of the record context; its first field, so that the bytes mean nothing else anywhere. */
export const recordFormat = 'ngome/record/v1'
/** HMAC-SHA-512 gives a single-use key and a commitment; AES-256-GCM encrypts under that key. */
export const recordSuite = 'HMAC-SHA-512/AES-256-GCM'
/** First byte of a blob. */
export const blobFormat = 0x01
/** Second byte of a blob: {@link recordSuite}. A later suite gets a number of its own; opening never negotiates. */
export const blobSuite = 0x01

export const dataKeyFormat = 'ngome/data-key/v1'
/** HPKE base mode: KEM 0x647a (draft-ietf-hpke-pq-05 §4), KDF 0x0001 and AEAD 0x0002 (RFC 9180 §7). */
export const dataKeySuite = 'draft-ietf-hpke-pq-05/MLKEM768-X25519/HKDF-SHA-256/AES-256-GCM'
export const statementFormat = 'ngome/merchant-key-statement/v1'
export const blindFormat = 'ngome/blind-once/v1'

export const dataKeyBytes = 32
export const saltBytes = 32
export const commitmentBytes = 32
export const cipherKeyBytes = 32
export const recordKeyBytes = cipherKeyBytes + commitmentBytes
export const tagBytes = 16
/** An id's text in ASCII: `dek_` and 26 characters. */
export const dataKeyIdBytes = 30
/** What stands before the salt: format, suite, data key id. */
export const prefixBytes = 2 + dataKeyIdBytes
export const commitmentAt = prefixBytes + saltBytes
export const ciphertextAt = commitmentAt + commitmentBytes

/** One record's plaintext: a payment's fields or a network's answer. Larger things belong in files, sealed in parts. */
export const plaintextBytesMax = 65_536
export const blobBytesMax = ciphertextAt + plaintextBytesMax + tagBytes

/** KEM output: the ML-KEM-768 ciphertext (1,088) and an X25519 public key (32). */
export const encBytes = 1120
export const wrappedBytes = dataKeyBytes + tagBytes
/** ML-KEM-768 encapsulation key (1,184) and X25519 public key (32). */
export const merchantPublicKeyBytes = 1216
export const merchantPrivateKeyBytes = 32
export const signatureBytes = 64
/** A header or statement without its fixed part; every field has a bound below this one. */
export const headerBytesMax = 1024

/** Tables are PostgreSQL identifiers (at most 63 bytes), written without quotes. */
export const tablePattern = /^[a-z][a-z0-9_]{0,62}$/
export const recordIdLengthMax = 64
export const recordIdPattern = /^[A-Za-z0-9_.:-]{1,64}$/
export const retentionPattern = /^[a-z][a-z0-9-]{0,31}$/
/** A record is sealed anew far fewer times than a PostgreSQL integer counts. */
export const versionMax = 2_147_483_647
