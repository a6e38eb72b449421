/** When keys are replaced without anybody's asking, and how long a destruction can be called back. */
export type KeyPolicy = {
  /** How old the root key may become. Merchant keys change with their period. */
  readonly rootAgeMsMax: number
  /** How long a destruction waits. */
  readonly destructionWaitMs: number
}
