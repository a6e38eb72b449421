/** When keys are replaced without anybody's asking, and how long a destruction can be called back. */
export type KeyPolicy = {
  /** How old the root key may become. Merchant keys change with their period. */
  readonly rootAgeMsMax: number
  /** How old the pepper of API keys may become. */
  readonly pepperAgeMsMax: number
  /** How long a pepper that was replaced is kept for keys that nobody used since; then they stop working. */
  readonly pepperKeptMs: number
  /** How old the certificate authority may become. */
  readonly authorityAgeMsMax: number
  /** How old a merchant's index key may become. */
  readonly indexAgeMsMax: number
  /** How long a destruction waits. */
  readonly destructionWaitMs: number
}
