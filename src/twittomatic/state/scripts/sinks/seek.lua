-- sinks/seek: moves a sink to another position of the stream.
-- KEYS  1 events  2 sinks
-- ARGV  1 sink  2 the last entry before the position  3 how many entries were added up to it
-- Returns 1, or 0 when there is no stream: then the sink begins with its first event.
-- Invariant: what the sink got and did not acknowledge lies before the position, or is delivered again after it. The
-- sink's last report, and its count of trimmed events, are deleted. Twice is harmless. Cost: constant, and its group.
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'ENTRIESREAD', ARGV[3])
return 1
