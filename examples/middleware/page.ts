const STYLE = `
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 15%, transparent) }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.4rem; margin: 0 0 1.5rem }
  form { display: grid; grid-template-columns: 8rem 1fr; gap: 1rem; align-items: baseline;
         padding: .6rem 0; border-top: 1px solid var(--line) }
  p { margin: 0; opacity: .75 }
  button { font: inherit; padding: .3rem; border: 1px solid var(--line); border-radius: .5rem;
           background: transparent; cursor: pointer }
  button:hover { background: var(--line) }`

/** What the page shows. */
export interface Visits {
  readonly visits: number
  readonly slowVisits: number
  readonly user: string | undefined
}

/** What there is to click on, and what happens then. */
const ACTIONS = [
  ['/count', 'Count', 'Changes the session. It is stored before the answer leaves, so the next page knows.'],
  ['/login', 'Log in', 'Goes on under a new key with the same visits: look at the cookie before and after.'],
  ['/logout', 'Log out', 'Ends the session: its file is gone, and the cookie too.'],
  [
    '/slow',
    'Count slowly',
    'Takes three seconds. Count in another tab meanwhile: both counts are there afterwards. Or log out there: this ' +
      'request is refused then, and the session does not come back.',
  ],
] as const

/** The only page. */
export function page({ visits, slowVisits, user }: Visits): string {
  const forms = ACTIONS.map(
    ([path, name, what]) =>
      `<form method="post" action="${path}"><button>${name}</button><p>${what}</p></form>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sessions</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>${user === 'Ada' ? 'Ada' : 'Somebody'}, ${visits} ${visits === 1 ? 'visit' : 'visits'}, ${slowVisits} slow</h1>
${forms.join('\n')}
</html>
`
}
