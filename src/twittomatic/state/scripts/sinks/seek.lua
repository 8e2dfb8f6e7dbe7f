-- sinks/seek: lets a sink go on at another place of the stream.
-- KEYS  1 events  2 sinks
-- ARGV  1 sink  2 the last entry before the place  3 how many were added until then
-- Returns 1, or 0 where there is no stream: then the sink begins with it.
-- Invariant: what the sink had and did not acknowledge lies before the place, or is handed out again behind it. What
-- the sink said of itself, and of what was trimmed, is forgotten. Twice is harmless. Cost: constant, and its group.
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'ENTRIESREAD', ARGV[3])
return 1
