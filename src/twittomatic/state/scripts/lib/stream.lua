-- lib/stream: reads how far each sink has read a stream.
-- Returns `removed`, how many of its entries were trimmed, `length`, `last`, and `groups` by name, as XINFO has them.
-- Cost: two commands.
local function named(flat)
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end
local function reading(key)
  local stream = named(redis.call('XINFO', 'STREAM', key))
  local groups = {}
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local group = named(flat)
    groups[group['name']] = group
  end
  return { length = stream['length'], removed = stream['entries-added'] - stream['length'],
    last = stream['last-generated-id'], groups = groups }
end
