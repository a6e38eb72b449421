import type { Form } from './forms.ts'

/** Two bytes say where a form may begin. */
const pairs = 65_536

/** Looks for many forms in one pass, however many they are: most places begin none of them. */
export class FormSearch {
  readonly #byStart = new Map<number, readonly Form[]>()
  readonly #isStart = new Uint8Array(pairs)
  /** Of the longest form. */
  readonly bytesMax: number

  /** @throws TypeError where a form is too short to be anything */
  constructor(forms: readonly Form[]) {
    this.bytesMax = Math.max(0, ...forms.map(({ bytes }) => bytes.length))
    for (const form of forms) {
      if (form.bytes.length < 2) throw new TypeError(`${form.name} is too short to be searched for`)
      const start = form.bytes.readUInt16LE(0)
      this.#isStart[start] = 1
      this.#byStart.set(start, [...this.#byStart.get(start) ?? [], form])
    }
  }

  /** Adds the names of the forms that are in these bytes. */
  find(bytes: Buffer, found: Set<string>): void {
    const isStart = this.#isStart
    let before = bytes[0] ?? 0
    for (let at = 1; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0
      const start = before | byte << 8
      before = byte
      if (isStart[start] === 1) this.#compare(bytes, at - 1, start, found)
    }
  }

  #compare(bytes: Buffer, at: number, start: number, found: Set<string>): void {
    for (const { name, bytes: form } of this.#byStart.get(start) ?? []) {
      const isWhole = at + form.length <= bytes.length && form.compare(bytes, at, at + form.length) === 0
      if (isWhole) found.add(name)
    }
  }
}
