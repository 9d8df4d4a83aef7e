-- SPDX-License-Identifier: MIT OR Apache-2.0
--
-- For wrk: posts jobs for some seconds, with one connection for each thread, and
-- counts what was answered. A thread stops at an answer, so that none is on its way
-- that was not counted.

local SECONDS = 3
local threads = {}

function setup(thread)
	table.insert(threads, thread)
end

function init()
	began = os.time()
	taken, ids, refused, others, stopped = 0, 0, 0, 0, 0
	wrk.method = "POST"
	wrk.body = string.rep("work ", 40)
end

function response(status, headers, body)
	local id = tonumber(body:match('"id": (%d+)') or 0)

	if status == 202 and id > 0 then
		taken = taken + 1
		ids = ids + id
	elseif status == 503 and headers["Retry-After"] == "1" then
		refused = refused + 1
	else
		others = others + 1
	end
	if os.time() - began >= SECONDS then
		stopped = 1
		wrk.thread:stop()
	end
end

local function sum(name)
	local all = 0

	for _, thread in ipairs(threads) do
		all = all + thread:get(name)
	end
	return all
end

function done()
	io.write(string.format("202: %.0f, ids add up to %.0f\n", sum("taken"),
			       sum("ids")))
	io.write(string.format("503: %.0f\n", sum("refused")))
	io.write(string.format("others: %.0f\n", sum("others")))
	io.write(string.format("cut off: %.0f\n", #threads - sum("stopped")))
end
