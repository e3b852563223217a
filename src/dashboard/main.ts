/**
 * Starts the dashboard: an operator's view of one node, made of what its own API tells.
 *
 * It keeps no state but the token of the tab and the choice of colours, and changes nothing
 * without an order. It talks to nobody but the server it came from.
 */
import { render } from 'preact'
import { h } from './h.ts'
import { App, keepPlace } from './app.ts'
import { follow } from './feed.ts'
import { keepFresh } from './live.ts'
import { keepTheme } from './theme.ts'

keepTheme()
keepPlace()
const root = document.getElementById('app')
if (root !== null) render(h(App, null), root)
keepFresh()
follow()
