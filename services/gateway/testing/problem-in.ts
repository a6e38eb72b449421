import { problemSchema, type Problem } from '@ngome/contracts'

/** The problem document that an answer carries; throws where it is none. */
export function problemIn(answer: { readonly text: string }): Problem {
  return problemSchema.parse(JSON.parse(answer.text))
}
