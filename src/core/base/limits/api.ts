/** Limits of the HTTP listeners, and of what operators read: logs and metrics. */
import { type Limit, limit } from '../limit.ts'

export const apiLimits = {
  httpBodyBytes: limit(
    1_048_576,
    [1_024, 3_145_728],
    'bytes',
    'the largest object the API takes is a few KiB; must fit one message between actors',
  ),
  httpHeaderBytes: limit(
    8_192,
    [4_096, 65_536],
    'bytes',
    'room for the cookies and forwarding headers of a proxy, and no more',
  ),
  httpRequestMs: limit(
    10_000,
    [100, 60_000],
    'ms',
    'a client that needs longer to send its request holds a connection for nothing',
  ),
  httpIdleMs: limit(60_000, [1_000, 600_000], 'ms', 'how long a kept-alive connection may be idle'),
  httpRequestsInFlight: limit(
    256,
    [1, 4_096],
    'requests',
    'with httpBodyBytes it bounds the memory that unanswered requests hold',
  ),
  httpConnections: limit(
    1_024,
    [16, 65_536],
    'connections',
    'leaves file descriptors for health checks and DNS over TCP',
  ),
  httpAnswerMs: limit(
    5_000,
    [100, 60_000],
    'ms',
    'past it the API is taken for stuck and the shell answers 503',
  ),
  apiAskMs: limit(
    2_000,
    [50, 30_000],
    'ms',
    'shorter than httpAnswerMs, so that the API itself can say who did not answer',
  ),
  apiListItems: limit(
    100_000,
    [1, 1_000_000],
    'items',
    'the most one page of a list may ask for; all of a large installation',
  ),
  apiTextChars: limit(
    1_024,
    [64, 16_384],
    'characters',
    'a reason or a name is a sentence, and is kept for as long as its override',
  ),
  forwardedHops: limit(
    32,
    [1, 256],
    'hops',
    'a chain of proxies longer than this is a loop or an attack',
  ),
  readyProbeMs: limit(
    1_000,
    [50, 10_000],
    'ms',
    'a node that needs longer to answer itself is not ready for anybody',
  ),
  readyCacheMs: limit(
    1_000,
    [0, 60_000],
    'ms',
    'many load balancers asking at once cost one question',
  ),
  apiFaultLogMs: limit(
    1_000,
    [10, 60_000],
    'ms',
    'one line a second tells that the API does not answer; more would only fill the disk',
  ),
  metricSeries: limit(
    50_000,
    [100, 1_000_000],
    'series',
    'five series for each of 10,000 servers; past it new label values are counted as "other"',
  ),
  logTextChars: limit(
    4_096,
    [256, 65_536],
    'characters',
    'one field of one line; what is longer is cut',
  ),
} as const satisfies Record<string, Limit>
