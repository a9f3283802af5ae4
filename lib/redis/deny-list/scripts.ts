/**
 * What Redis keeps of a list, in three keys that are changed together:
 * - state: `generation:number`, of the last change; a generation is random, and another one once anything was lost;
 * - records: a hash, the newest record of each entry by the entry's id: its order, a blank and its body;
 * - log: a sorted set, those ids by the number of their last change.
 *
 * The log is the snapshot (from 0) and the feed of changes (from the number that was read last) in one.
 */

/** How many characters an order has: see `records.ts`. */
export const orderLength = 25;

const findGeneration = `
local state = redis.call('GET', KEYS[1]) or ''
local generation, number = string.match(state, '^([%w_-]+):(%d+)$')`;

/** Arguments: the generation that is known, the last number read, how many at most, a new generation. */
export const readScript: string = `${findGeneration}
generation = generation or ''
if redis.call('ZCARD', KEYS[3]) ~= redis.call('HLEN', KEYS[2]) then
  redis.call('DEL', KEYS[3])
  for number, id in ipairs(redis.call('HKEYS', KEYS[2])) do redis.call('ZADD', KEYS[3], number, id) end
  generation = ARGV[4]
  state = generation .. ':' .. redis.call('HLEN', KEYS[2])
  redis.call('SET', KEYS[1], state)
end
local after = generation == ARGV[1] and ARGV[2] or '0'
local ids = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', '0', ARGV[3])
local answer = {state, generation, tostring(redis.call('HLEN', KEYS[2]))}
for place = 1, #ids, 2 do
  answer[#answer + 1] = ids[place]
  answer[#answer + 1] = ids[place + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], ids[place]) or ''
end
return answer`;

/** Arguments: a new generation, and id, order and body of each record; an older one takes the place of none. */
export const writeScript: string = `${findGeneration}
if not generation then
  generation = ARGV[1]
  number = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2] or 0
end
number = tonumber(number)
for place = 2, #ARGV, 3 do
  local id, order, body = ARGV[place], ARGV[place + 1], ARGV[place + 2]
  local before = redis.call('HGET', KEYS[2], id)
  if not before or string.sub(before, 1, ${orderLength}) < order then
    number = number + 1
    redis.call('HSET', KEYS[2], id, order .. ' ' .. body)
    redis.call('ZADD', KEYS[3], string.format('%d', number), id)
  end
end
redis.call('SET', KEYS[1], generation .. ':' .. string.format('%d', number))
return ''`;

/** Arguments: id and order of each record that is over; a newer one stays. */
export const forgetScript: string = `
for place = 1, #ARGV, 2 do
  local before = redis.call('HGET', KEYS[2], ARGV[place])
  if before and string.sub(before, 1, ${orderLength}) == ARGV[place + 1] then
    redis.call('HDEL', KEYS[2], ARGV[place])
    redis.call('ZREM', KEYS[3], ARGV[place])
  end
end
return ''`;
