/** Something that was to be looked at could not be reached or asked: no failure of it, and no sign that it is well. */
export class NotReached extends Error {
  override readonly name = 'NotReached'
}
