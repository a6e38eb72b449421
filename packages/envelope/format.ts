/** Names the layout of the record context; its first field, so that the bytes mean nothing else anywhere. */
export const recordFormat = 'ngome/record/v1'
/** First byte of a blob; the second is the number of its suite. */
export const blobFormat = 0x01

export const dataKeyFormat = 'ngome/data-key/v1'
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

export const wrappedBytes = dataKeyBytes + tagBytes
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

/** Names the layout of what a client sealed by itself: in HPKE's info and as the exporter's context. */
export const clientSealedFormat = 'ngome/client-sealed/v1'
/** First byte of such a value; the second is the number of its suite, then the merchant key's id. */
export const clientSealedVersion = 0x01
export const clientSealedHeaderBytes = 2 + 30
/** What is sealed has this length, so that it does not tell how long a number is. */
export const shortPlaintextBytes = 128
/** Long texts grow in steps of this. */
export const longPlaintextStepBytes = 1_024
export const longPlaintextBytesMax = 8_192
/** Before the value, in the plaintext: how long it is. */
export const valueLengthBytes = 2
/** What values are; a bound for what stands in HPKE's info. */
export const valueTypePattern = /^[a-z][a-z_]{0,31}$/
