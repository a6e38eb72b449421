/** An algorithm in use, in the words of CycloneDX 1.6 (`algorithmProperties`). */
export type Algorithm = {
  readonly ref: string
  readonly name: string
  readonly primitive: 'kem' | 'key-agree' | 'pke' | 'block-cipher' | 'ae' | 'mac' | 'signature' | 'kdf' | 'hash' | 'other'
  readonly parameterSetIdentifier: string
  readonly curve?: string
  readonly mode?: 'gcm' | 'cbc'
  readonly cryptoFunctions: readonly string[]
  /** NIST's categories 1 to 6; 0 where a quantum computer breaks it. */
  readonly nistQuantumSecurityLevel: number
  readonly usedFor: string
  /** Where we know that it is not what one would wish, and why it stays. */
  readonly exception?: string
}

/** Every algorithm that keeps a promise of ours, once. */
export const algorithms: readonly Algorithm[] = [
  {
    ref: 'algorithm/mlkem768-x25519', name: 'MLKEM768-X25519', primitive: 'kem', parameterSetIdentifier: '768', curve: 'X25519',
    cryptoFunctions: ['keygen', 'encapsulate', 'decapsulate'], nistQuantumSecurityLevel: 3,
    usedFor: 'data keys are sealed to merchant keys (HPKE)',
    exception: 'the hybrid\'s number and name are those of draft-ietf-hpke-pq-05, not of an RFC yet',
  },
  {
    ref: 'algorithm/dhkem-p256', name: 'DHKEM-P256-HKDF-SHA256', primitive: 'kem', parameterSetIdentifier: '256', curve: 'P-256',
    cryptoFunctions: ['keygen', 'encapsulate', 'decapsulate'], nistQuantumSecurityLevel: 0,
    usedFor: 'data keys are sealed to merchant keys of the suite fips (HPKE)',
    exception: 'not post-quantum: only where FIPS 140 is asked for (keys.suite)',
  },
  {
    ref: 'algorithm/aes-256-gcm', name: 'AES-256-GCM', primitive: 'ae', parameterSetIdentifier: '256', mode: 'gcm',
    cryptoFunctions: ['encrypt', 'decrypt'], nistQuantumSecurityLevel: 5,
    usedFor: 'records under single-use keys; data keys; every key under the root key',
  },
  {
    ref: 'algorithm/hmac-sha-512', name: 'HMAC-SHA-512', primitive: 'mac', parameterSetIdentifier: '512',
    cryptoFunctions: ['tag', 'keyderive'], nistQuantumSecurityLevel: 5,
    usedFor: 'a record\'s single-use key and commitment from the data key',
  },
  {
    ref: 'algorithm/hmac-sha-256', name: 'HMAC-SHA-256', primitive: 'mac', parameterSetIdentifier: '256',
    cryptoFunctions: ['tag'], nistQuantumSecurityLevel: 3,
    usedFor: 'blind indexes, verifiers of API keys, tags of rows, enrolment tokens, webhooks',
  },
  {
    ref: 'algorithm/hkdf-sha-256', name: 'HKDF-SHA-256', primitive: 'kdf', parameterSetIdentifier: '256',
    cryptoFunctions: ['keyderive'], nistQuantumSecurityLevel: 3, usedFor: 'HPKE; the software root\'s key for each label',
  },
  {
    ref: 'algorithm/ed25519', name: 'Ed25519', primitive: 'signature', parameterSetIdentifier: '25519', curve: 'Ed25519',
    cryptoFunctions: ['keygen', 'sign', 'verify'], nistQuantumSecurityLevel: 0,
    usedFor: 'statements, refusals and certificates of the custodian; data keys and answers of gateways; merchants\' requests; approvals',
    exception: 'not post-quantum: a signature is judged when it is made, and nothing recorded today is read through it',
  },
  {
    ref: 'algorithm/ecdsa-p256', name: 'ECDSA-P256-SHA256', primitive: 'signature', parameterSetIdentifier: '256', curve: 'P-256',
    cryptoFunctions: ['keygen', 'sign', 'verify'], nistQuantumSecurityLevel: 0,
    usedFor: 'the internal certificate authority and its certificates',
    exception: 'not post-quantum: X.509 with ML-DSA is in no TLS library that clients have',
  },
  {
    ref: 'algorithm/rsassa-pss-sha-512', name: 'RSASSA-PSS-SHA-512', primitive: 'signature', parameterSetIdentifier: '3072',
    cryptoFunctions: ['keygen', 'sign', 'verify'], nistQuantumSecurityLevel: 0,
    usedFor: 'requests that merchants sign (RFC 9421); keys of 3072 bits or more',
    exception: 'not post-quantum: RFC 9421 knows no such algorithm, and a signature counts for five minutes',
  },
  {
    ref: 'algorithm/rsaes-oaep-sha-256', name: 'RSAES-OAEP-SHA-256', primitive: 'key-agree', parameterSetIdentifier: '3072',
    cryptoFunctions: ['encrypt', 'decrypt'], nistQuantumSecurityLevel: 0,
    usedFor: 'answers and webhooks that only the merchant opens (JWE); the PIN of payouts in Airtel Money\'s countries that take it so',
    exception: 'not post-quantum: JOSE has no such algorithm that merchants\' libraries know; answers travel inside hybrid TLS as well, webhooks inside the TLS of the merchant\'s server',
  },
  {
    ref: 'algorithm/rsaes-pkcs1-v1_5', name: 'RSAES-PKCS1-v1_5', primitive: 'pke', parameterSetIdentifier: '1024',
    cryptoFunctions: ['encrypt'], nistQuantumSecurityLevel: 0,
    usedFor: 'Airtel Money alone: the key of a message\'s "signature" (2048 bits), and the PIN of payouts in countries with the old scheme (1024 bits)',
    exception: 'padding that gives oracles to who decrypts, and keys that are too short: Airtel takes nothing else; we only encrypt, inside TLS, and nothing of ours rests on it',
  },
  {
    ref: 'algorithm/aes-256-cbc', name: 'AES-256-CBC', primitive: 'block-cipher', parameterSetIdentifier: '256', mode: 'cbc',
    cryptoFunctions: ['encrypt'], nistQuantumSecurityLevel: 5,
    usedFor: 'Airtel Money alone: the "signature" of a message is its body under a key that is used once',
    exception: 'encrypts and authenticates nothing: Airtel takes nothing else, and nothing of ours rests on it',
  },
  {
    ref: 'algorithm/sha-256', name: 'SHA-256', primitive: 'hash', parameterSetIdentifier: '256',
    cryptoFunctions: ['digest'], nistQuantumSecurityLevel: 2,
    usedFor: 'the Merkle trees of both logs; what approvals, keys and migrations are known by',
  },
  {
    ref: 'algorithm/sha-1', name: 'SHA-1', primitive: 'hash', parameterSetIdentifier: '160',
    cryptoFunctions: ['digest'], nistQuantumSecurityLevel: 0,
    usedFor: 'the name of our own certificate in questions to its authority\'s responder (OCSP)',
    exception: 'broken, and nothing rests on it: RFC 5019 §2.1.1 has no other, and it names what a signature proves',
  },
  {
    ref: 'algorithm/x25519', name: 'X25519', primitive: 'key-agree', parameterSetIdentifier: '25519', curve: 'X25519',
    cryptoFunctions: ['keygen', 'keyderive'], nistQuantumSecurityLevel: 0,
    usedFor: 'the box in which a holder\'s share goes to the custodian; half of the hybrid above',
    exception: 'the box is not post-quantum: it crosses a Unix socket of this machine only, and is kept nowhere',
  },
  {
    ref: 'algorithm/shamir', name: 'Shamir secret sharing over GF(2^8)', primitive: 'other', parameterSetIdentifier: '256',
    cryptoFunctions: ['other'], nistQuantumSecurityLevel: 5, usedFor: 'the shares of a root key that holders keep',
  },
  {
    ref: 'algorithm/scrypt', name: 'scrypt', primitive: 'kdf', parameterSetIdentifier: '512',
    cryptoFunctions: ['keyderive'], nistQuantumSecurityLevel: 0, usedFor: 'knowing again a PIN that the HSM refused, so that it is not tried twice',
  },
  {
    ref: 'algorithm/pbkdf2-hmac-sha-256', name: 'PBKDF2-HMAC-SHA-256', primitive: 'kdf', parameterSetIdentifier: '256',
    cryptoFunctions: ['keyderive'], nistQuantumSecurityLevel: 3, usedFor: 'PostgreSQL\'s verifiers of the processes\' passwords (SCRAM), which are 256 random bits',
  },
]
