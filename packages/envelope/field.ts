/** A field as text. Latin-1 maps each byte to one character, so that no byte is lost; patterns then admit ASCII only. */
export function textOf(field: Uint8Array): string {
  return Buffer.from(field.buffer, field.byteOffset, field.byteLength).toString('latin1')
}

/** A field of eight bytes as a number, or `undefined` where it is not one that a double holds exactly. */
export function countOf(field: Uint8Array): number | undefined {
  if (field.length !== 8) return undefined
  const count = Buffer.from(field.buffer, field.byteOffset, field.byteLength).readBigUInt64BE()
  return count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : undefined
}
