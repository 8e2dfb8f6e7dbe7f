-- jobs/acquire: leases jobs of a module, those that were begun earlier first.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes
-- ARGV  1 consumer  2 module  3 the most jobs  4.. entries that the consumer knows it holds
-- Returns {queue, entry, user id, depth, attempts, checkpoint, address} of each, '' for what it does not have.
-- Invariant: a job is leased to one attempt. Twice is harmless: if the first answer was lost, the consumer does not know
-- those jobs, and gets them again. Cost: four commands, and one for each job that was begun earlier.
-- use lib/jobs
local leased, most, known = {}, tonumber(ARGV[3]), {}
for i = 4, #ARGV do
  known[ARGV[i]] = true
end
local function hand_out(queue, entry, fields)
  local user, attempts, checkpoint = fields[2], '', ''
  if queue ~= ARGV[2] then
    local hash = redis.call('HMGET', KEYS[2] .. ARGV[2] .. ':' .. user, 'attempts', 'checkpoint')
    attempts, checkpoint = hash[1] or '', hash[2] or ''
  end
  leased[#leased + 1] = { queue, entry, user, fields[4], attempts, checkpoint, fields[6] or '' }
end
for _, queue in ipairs(queues(ARGV[2])) do
  local stream = KEYS[1] .. queue
  for _, item in ipairs(redis.call('XPENDING', stream, 'workers', '-', '+', 1000, ARGV[1])) do
    local entry = not known[item[1]] and #leased < most and redis.call('XRANGE', stream, item[1], item[1])[1]
    if entry then
      redis.call('XCLAIM', stream, 'workers', ARGV[1], 0, item[1], 'JUSTID')
      hand_out(queue, item[1], entry[2])
    end
  end
  local found = #leased < most and redis.call('XREADGROUP', 'GROUP', 'workers', ARGV[1], 'COUNT', most - #leased,
    'STREAMS', stream, '>')
  for _, item in ipairs(found and found[1][2] or {}) do
    hand_out(queue, item[1], item[2])
  end
end
return leased
