-- crawl/set_phase: pauses a crawl or lets it go on.
-- KEYS  1 crawl hash   2 events
-- ARGV  1 `paused` or `running`   2 reason   3 until (RFC 3339 or '')   4 who: `user` or `network`   5 the event (JSON)
-- Returns the phase that holds now, '' where there is no crawl; a finished crawl stays finished, and one that is
-- paused keeps its first reason. Twice is harmless. Cost: constant.
-- use lib/event
local phase = redis.call('HGET', KEYS[1], 'phase')
if not phase then
  return ''
end
if phase == 'finished' or phase == ARGV[1] then
  return phase
end
redis.call('HSET', KEYS[1], 'phase', ARGV[1], 'reason', ARGV[2], 'until', ARGV[3], 'paused_by', ARGV[4])
announce(KEYS[2], ARGV[5])
return ARGV[1]
