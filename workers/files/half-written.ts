/** Looks at a record whose expiry a touch may be writing at this moment. */
const LOOKS = 4

/** Looks again while what was found is what a touch leaves half written; what stays so is damage. */
export function settled<Found>(look: () => Found, isHalfWritten: (found: Found) => boolean): Found {
  let found = look()
  for (let again = 1; again < LOOKS && isHalfWritten(found); again++) found = look()
  return found
}
