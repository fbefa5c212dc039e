const STYLE = `
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.4rem; margin: 0 }
  p { opacity: .75 }
  form { display: inline }
  button { font: inherit; padding: .3rem .8rem }`

/** The only page of the small examples: how often a visitor has been here, and a way to be forgotten. */
export function visitsPage(visits: number): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Your visits</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>Your visit number <output>${visits}</output></h1>
<p>Each one saves your session. Restart the server on the same directory: it still knows you.</p>
<form action="/"><button>Come again</button></form>
<form action="/forget" method="post"><button>Forget me</button></form>
</html>
`
}
