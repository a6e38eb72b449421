import { inspect } from 'node:util'

/**
 * A value that may be used but never printed: not by a template string, a log, an error, JSON or `util.inspect`.
 * The only way to the value is {@link Secret.expose}, so that a search for `.expose(` lists every use.
 */
export class Secret<T extends string | Uint8Array> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** Hands the value to `use` and returns what it returns. */
  expose<R>(use: (value: T) => R): R {
    return use(this.#value)
  }

  toString(): string {
    return '[secret]'
  }

  /** @throws TypeError always: a secret that reaches JSON is a bug, and a silent `{}` would hide it. */
  toJSON(): never {
    throw new TypeError('a secret has no JSON form')
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
