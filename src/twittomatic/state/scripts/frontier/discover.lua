-- frontier/discover: adds users to the frontier, each of them once.
-- KEYS  1 prefix of the seen buckets (`<prefix>shape` is a hash, `<prefix>n:<i>` and `<prefix>w:<i>` sets)
--       2 prefix of the frontier    3 counters    4 job stream of the analyzer that found them, or ''
-- ARGV  1 entry  2 consumer (both '' when KEYS[4] is '')  3 depth
--       4 'list' or 'rank'; or 'seen' for users already in the frontier, who are only added to the seen buckets
--       5 the most ids of a bucket, on average   6.. users, a decimal id or `<id> <address>`, under 'rank' each
--       followed by its score
-- Returns how many were new, -1 when the caller no longer holds its job.
-- Invariant: an id enters the frontier once, ever.
-- Twice is harmless: the second time no user is new.
-- Cost: one SADD for each id, and as many moves of an id on average while the buckets grow.
--
-- The buckets hold at most 512 integers, so that the server keeps each as a sorted array (intset). They grow by
-- linear hashing: one bucket is split at a time, so no call ever rehashes everything. Ids below 2^31 take 4 bytes
-- in an array of their own kind (n, narrow), others 8 (w, wide): one large id would widen a whole bucket.
-- use lib/fence
local seen, frontier, counters, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if stream ~= '' and not owns(stream, ARGV[1], ARGV[2]) then
  return -1
end
local depth, kind, most = ARGV[3], ARGV[4], tonumber(ARGV[5])

-- Hashes a decimal id of up to 19 digits. Numbers are doubles, exact to 2^53, so the digits are taken in halves.
local function hash(id)
  local low = tonumber(string.sub(id, -9))
  local high = #id > 9 and tonumber(string.sub(id, 1, -10)) or 0
  local mixed = (low * 2654435 + (high % 4194301) * 1097334677) % 4294967291
  return (mixed * 1048573 + math.floor(mixed / 65536)) % 4294967279
end

local function is_narrow(id)
  return #id < 10 or (#id == 10 and id <= '2147483647')
end

local shape = {}
for i, value in ipairs(redis.call('HMGET', seen .. 'shape', 'n:round', 'n:split', 'n:ids', 'w:round', 'w:split', 'w:ids')) do
  shape[i] = tonumber(value or 0)
end
local families = {
  n = { round = shape[1], split = shape[2], ids = shape[3] },
  w = { round = shape[4], split = shape[5], ids = shape[6] },
}

local function bucket(family, hashed)
  local size = 2 ^ family.round
  local place = hashed % size
  if place < family.split then
    place = hashed % (size * 2)
  end
  return place
end

local function grow(name, family)
  while family.ids > most * (2 ^ family.round + family.split) do
    local size = 2 ^ family.round
    local old = seen .. name .. ':' .. string.format('%d', family.split)
    local stay, go = {}, {}
    for _, id in ipairs(redis.call('SMEMBERS', old)) do
      local side = hash(id) % (size * 2) == family.split and stay or go
      side[#side + 1] = id
    end
    redis.call('DEL', old)
    if #stay > 0 then
      redis.call('SADD', old, unpack(stay))
    end
    if #go > 0 then
      redis.call('SADD', seen .. name .. ':' .. string.format('%d', family.split + size), unpack(go))
    end
    family.split = family.split + 1
    if family.split == size then
      family.round, family.split = family.round + 1, 0
    end
  end
end

local step = kind == 'rank' and 2 or 1
local targets, news = {}, 0
for i = 6, #ARGV, step do
  local entry = ARGV[i]
  local id = string.find(entry, ' ', 1, true) and string.match(entry, '^%d+') or entry
  local name = is_narrow(id) and 'n' or 'w'
  local family = families[name]
  local key = seen .. name .. ':' .. string.format('%d', bucket(family, hash(id)))
  if redis.call('SADD', key, id) == 1 then
    news = news + 1
    family.ids = family.ids + 1
    if kind == 'rank' then
      targets[#targets + 1] = ARGV[i + 1]
    end
    targets[#targets + 1] = entry
  end
end
if news > 0 then
  for name, family in pairs(families) do
    grow(name, family)
    redis.call('HSET', seen .. 'shape', name .. ':round', family.round, name .. ':split', family.split, name .. ':ids', family.ids)
  end
end
if news > 0 and kind ~= 'seen' then
  redis.call('HINCRBY', counters, 'seen', news)
  redis.call('ZADD', frontier .. 'depths', depth, depth)
  local command = kind == 'rank' and 'ZADD' or 'RPUSH'
  for i = 1, #targets, 4000 do
    redis.call(command, frontier .. kind .. ':' .. depth, unpack(targets, i, math.min(i + 3999, #targets)))
  end
end
return news
