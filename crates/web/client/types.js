/**
 * The shapes that the parts of the library hand to each other.
 *
 * @typedef {{id: string, type: string, at: string, room?: string, data: any}} GateEvent
 *
 * @typedef {"poll"|"sse"|"ws"} TransportName
 * @typedef {TransportName|"auto"} TransportChoice
 *
 * @typedef {"idle"|"connecting"|"live"|"waiting"|"offline"|"superseded"|"signed-out"|"refused"} StateName
 *   `waiting` carries `retryInMs` and `reason`; the last three end the loop.
 *
 * @typedef {object} ConnectionInfo
 * @property {StateName} state
 * @property {TransportName} transport
 * @property {boolean} leader            this tab keeps the connection for all tabs of the browser
 * @property {number} since              when `state` began, in milliseconds since 1970
 * @property {number} attempt            failures in a row
 * @property {number|null} retryInMs     as it was when `state` began
 * @property {string|null} reason
 * @property {number|null} lastEventAt   when the last event came, in milliseconds since 1970
 *
 * @typedef {{wait: (promise: Promise<unknown>) => void, reason: ResyncReason}} ResyncDetail
 *   `wait`: the gateway hears that the resync was heard only after all these promises resolved; a rejection repeats it
 * @typedef {"gateway"|"cursor"|"away"} ResyncReason
 *   the gateway said so; it could not read the cursor; this tab slept or missed something of another tab
 *
 * @typedef {string | ((why: {expired: boolean}) => string|Promise<string>)} TokenSource
 *
 * @typedef {object} Batch            what a transport hands over at once
 * @property {GateEvent[]} events
 * @property {boolean} resync
 * @property {string} cursor          confirms all of it
 *
 * @typedef {object} Ending           why a transport came to its end without an error
 * @property {string} why             an `end` of docs/streams.md, or `closed`, `silent`
 * @property {number} [pauseMs]       how long the gateway asks to stay away
 *
 * @typedef {object} LegOptions       what a transport needs for one leg of the journey
 * @property {() => string} cursor    the last cursor whose events were handed over
 * @property {(batch: Batch) => Promise<number>} take  hands over; tells how many of the events were new
 * @property {() => void} opened      called when it is known to work
 * @property {AbortSignal} signal     ends the leg
 *
 * @typedef {object} Transport
 * @property {TransportName} name
 * @property {(leg: LegOptions) => Promise<Ending>} run  rejects with a `Problem`, or with what `take` rejected with
 * @property {(op: string, fields: object) => Promise<any>} [call]  where the transport carries operations
 */

export {};
