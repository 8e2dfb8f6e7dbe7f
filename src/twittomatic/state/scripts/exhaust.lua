-- exhaust: the network says that a window is empty, whatever we counted.
-- KEYS  1 window    ARGV  1 when it opens anew, ms since the epoch, '' if unknown   2 ms to wait if unknown
-- Returns the ms until then, a second at least where the network named the time: past by our clock, it is not by its own.
-- Twice is harmless. Cost: constant.
-- use queue
local limit = redis.call('HGET', KEYS[1], 'limit') or 1
local now = now_ms()
local reset = ARGV[1] ~= '' and math.max(tonumber(ARGV[1]), now + 1000) or now + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'limit', limit, 'used', limit, 'reset', string.format('%d', reset))
return reset - now
