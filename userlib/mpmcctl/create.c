// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl create: a new queue
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <mpmc.h>

#include "complain.h"
#include "json.h"
#include "number.h"
#include "option.h"
#include "owner.h"

/**
 * struct wish - what is wanted
 * @opts: what the queue is to be like
 * @mode: its permissions
 * @owner: whose it is to be
 * @oflag: how it is made
 * @dead_letter: the name of the queue for dead letters, or NULL
 */
struct wish {
	struct mpmc_queue_opts opts;
	mode_t mode;
	struct owner owner;
	int oflag;
	const char *dead_letter;
};

static void take_option(struct wish *wish, int letter, const char *value)
{
	switch (letter) {
	case 'c':
		wish->opts.capacity = number_option("--capacity", value, 1,
						    INT32_MAX);
		break;
	case 's':
		wish->opts.segments = number_option("--segments", value, 1,
						    UINT32_MAX);
		break;
	case 'm':
		/* As it is said: mkfifo(1) does so, too. */
		wish->mode = number_mode("--mode", value);
		umask(0);
		break;
	case 'o':
		wish->owner.uid = owner_user("--owner", value);
		break;
	case 'g':
		wish->owner.gid = owner_group("--group", value);
		break;
	case 'n':
		wish->opts.flags = MPMC_QUEUE_DELIVERIES;
		wish->opts.max_deliveries =
			number_option("--max-deliveries", value, 1, UINT32_MAX);
		break;
	case 'd':
		wish->dead_letter = value;
		break;
	case 'p':
		wish->oflag &= ~O_EXCL;
		break;
	}
}

/* What it has become, which is not what was wished if it was there before. */
static int print_json(struct json *json, const char *name,
		      struct mpmc_queue *queue)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	int ret = mpmc_queue_stat(queue, &stat);

	if (ret)
		return ret;
	json_open(json, NULL, '{');
	json_string(json, "name", name);
	json_number(json, "capacity", stat.capacity);
	json_number(json, "segments", stat.segments);
	json_close(json, '}');
	return 0;
}

static int create(const struct wish *wish, const char *name, struct json *json)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	int ret = mpmc_queue_open(&queue, name, wish->oflag, wish->mode,
				  &wish->opts);

	if (!ret && json)
		ret = print_json(json, name, queue);
	return ret ? complain_error(ret, name, "open it") : CTL_DONE;
}

/* Those that can't be made are told of, and the first of these counts. */
static int create_all(struct wish *wish, char **names, struct json *json)
{
	mpmc_auto_queue struct mpmc_queue *dead = NULL;
	int ret, status;

	if (wish->dead_letter) {
		ret = mpmc_queue_open(&dead, wish->dead_letter, O_WRONLY, 0,
				      NULL);
		if (ret)
			return complain_error(ret, wish->dead_letter,
					      "put items there");
		wish->opts.dead_letter = dead;
	}
	status = owner_become(&wish->owner);
	if (status)
		return status;
	for (; *names; names++) {
		ret = create(wish, *names, json);
		if (!status)
			status = ret;
	}
	return status;
}

static int create_all_json(struct wish *wish, char **names)
{
	struct json json = { .out = stdout };
	int status;

	json_open(&json, NULL, '[');
	status = create_all(wish, names, &json);
	json_close(&json, ']');
	json_line(&json);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "capacity", required_argument, NULL, 'c' },
		{ "segments", required_argument, NULL, 's' },
		{ "mode", required_argument, NULL, 'm' },
		{ "owner", required_argument, NULL, 'o' },
		{ "group", required_argument, NULL, 'g' },
		{ "max-deliveries", required_argument, NULL, 'n' },
		{ "dead-letter", required_argument, NULL, 'd' },
		{ "may-exist", no_argument, NULL, 'p' }, { 0 },
	};
	struct wish wish = {
		.mode = 0666,
		.owner = { OWNER_SAME, OWNER_SAME },
		.oflag = O_RDWR | O_CREAT | O_EXCL,
	};
	bool json = false;
	int letter;

	while ((letter = option_next(argc, argv, "hjc:s:m:o:g:n:d:p",
				     longs)) >= 0) {
		json |= letter == 'j';
		take_option(&wish, letter, optarg);
	}
	if (wish.dead_letter && !wish.opts.flags)
		option_misused("--dead-letter wants --max-deliveries, or there are none");
	argv = option_rest(argc, argv, 1, -1);
	return json ? create_all_json(&wish, argv) :
		      create_all(&wish, argv, NULL);
}

const struct command command_create = {
	.name = "create",
	.args = "[OPTION]... NAME...",
	.summary = "Makes queues",
	.options = TEXT_HELP
		   "  -j, --json            print an array of JSON: names, and what they have got\n"
		   "  -c, --capacity=N      room for N items, exactly (1048576)\n"
		   "  -s, --segments=N      FIFO segments; 1: one strict order (one for each CPU)\n"
		   "  -m, --mode=MODE       permissions, in octal (0666 less the umask)\n"
		   "  -o, --owner=USER      whose it is to be, name or number; for root (you)\n"
		   "  -g, --group=GROUP     the same of its group (yours)\n"
		   "  -n, --max-deliveries=N  hand an item out N times at most\n"
		   "  -d, --dead-letter=NAME  and put it into that queue then\n"
		   "  -p, --may-exist       one that is there already is no error, and stays as it is\n",
	.misused = CTL_MISUSED,
	.run = run,
};
