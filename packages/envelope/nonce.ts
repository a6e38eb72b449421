/**
 * Zeros. Each record key encrypts one message, so a nonce has nothing to tell apart (NIST SP 800-38D §8 asks that a pair
 * of key and nonce never repeats: here the key never does, since its salt is 32 random bytes).
 */
export const nonce: Uint8Array = new Uint8Array(12)
