-- sinks/report: stores the report of a sink, and renews the claim of the process that serves it.
-- KEYS  1 holder of the sink  2 sinks
-- ARGV  1 sink  2 the caller's process  3 its claim in ms, 0 to give it up  4 the report (JSON)
-- Returns 1, or 0 when another process serves the sink: then nothing was changed.
-- Invariant: only the process that serves a sink reports for it. Twice is harmless. Cost: three commands.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
return 1
