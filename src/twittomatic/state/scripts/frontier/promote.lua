-- frontier/promote: moves users from some depth of the frontier to depth 0, since they were given as seeds.
-- KEYS  1 leader hash   2 prefix of the frontier   ARGV  1 name of the master   2 its epoch   3 depth   4.. users
-- Returns how many were moved, -1 when another master leads.
-- Invariant: a user is in the frontier once. Twice is harmless: the second time they are at depth 0 already.
-- Cost: for each user the length of the list before it; users that come in the list's order are found at once.
-- use lib/leader
local frontier, depth = KEYS[2], ARGV[3]
if not leads(KEYS[1], ARGV[1], ARGV[2]) then
  return -1
end
local list, rank, moved = frontier .. 'list:' .. depth, frontier .. 'rank:' .. depth, 0
for i = 4, #ARGV do
  if redis.call('LREM', list, 1, ARGV[i]) + redis.call('ZREM', rank, ARGV[i]) > 0 then
    redis.call('RPUSH', frontier .. 'list:0', ARGV[i])
    moved = moved + 1
  end
end
if moved > 0 then
  redis.call('ZADD', frontier .. 'depths', 0, 0)
  if redis.call('EXISTS', list, rank) == 0 then
    redis.call('ZREM', frontier .. 'depths', depth)
  end
end
return moved
