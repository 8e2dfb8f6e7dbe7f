-- lib/fence: returns whether an attempt still holds its job.
-- A job's stream entry belongs to one consumer, and a job that is taken away gets a new entry, so an entry that is
-- pending for the caller is the caller's. Cost: one XPENDING of one entry.
local function owns(stream, entry, consumer)
  local pending = redis.call('XPENDING', stream, 'workers', entry, entry, 1)[1]
  return pending ~= nil and pending[2] == consumer
end
