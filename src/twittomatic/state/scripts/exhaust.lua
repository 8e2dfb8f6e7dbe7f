-- exhaust: the network says that a window is empty, whatever we counted.
-- KEYS  1 window    ARGV  1 when it opens anew, ms since the epoch, '' if unknown   2 ms to wait if unknown
-- Returns the ms until then. Twice is harmless. Cost: constant.
-- use queue
local limit = redis.call('HGET', KEYS[1], 'limit') or 1
local reset = ARGV[1] ~= '' and tonumber(ARGV[1]) or now_ms() + tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'limit', limit, 'used', limit, 'reset', string.format('%d', reset))
return reset - now_ms()
