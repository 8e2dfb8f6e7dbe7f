-- window/read: reads windows without changing them.
-- KEYS  1.. window of each credential on each endpoint
-- Returns {limit, used, reset, shut} of each; all nil where it was never opened.
-- Invariant: it changes nothing. Cost: one command for each.
local windows = {}
for i, window in ipairs(KEYS) do
  windows[i] = redis.call('HMGET', window, 'limit', 'used', 'reset', 'shut')
end
return windows
