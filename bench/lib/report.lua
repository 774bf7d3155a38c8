-- For wrk: asks for many paths in turn when BENCH_PATHS says how many, and reports as JSON.
local paths = tonumber(os.getenv("BENCH_PATHS") or "0")
local requests = {}
local next_one = 0

function init(args)
  for i = 1, paths do
    requests[i] = wrk.format("GET", string.format("/section-%d/item/%d", i - 1, i * 7))
  end
end

function request()
  if paths == 0 then
    return wrk.format()
  end
  next_one = next_one % paths + 1
  return requests[next_one]
end

-- wrk calls request() for every request when it is defined; without paths its own constant one is quicker.
if paths == 0 then
  request = nil
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
