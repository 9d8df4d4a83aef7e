// SPDX-License-Identifier: GPL-2.0
/*
 * The programs worth keeping: each worker has its own, and which program it makes
 * next depends on nothing but the seed, its number and these. So what is printed
 * when one is kept is all it takes to make a run again.
 */
#include "fuzz.h"

#define KEPT_MAX 4096

static struct {
	u64 index;
	struct program program;
} kept[KEPT_MAX];

static unsigned int kept_count;
static bool complete;

/* Those of a run that was, as it printed them. */
void corpus_load(const char *path, int worker)
{
	char line[2 * sizeof(struct program) + 128];
	FILE *file = fopen(path, "r");
	unsigned long index;
	int of, at;

	if (!file) {
		fprintf(stderr, "cannot read %s\n", path);
		_exit(KSFT_FAIL);
	}
	while (fgets(line, sizeof(line), file) && kept_count < KEPT_MAX) {
		if (sscanf(line, "# keep %d %lu %n", &of, &index, &at) != 2 ||
		    of != worker ||
		    !program_parse(&kept[kept_count].program, line + at))
			continue;
		kept[kept_count++].index = index;
	}
	fclose(file);
	complete = true;
}

static unsigned int known_at(u64 index)
{
	unsigned int n = kept_count;

	while (n && kept[n - 1].index >= index)
		n--;
	return n;
}

/* Two to make one of; false if one is to be made of nothing. */
bool corpus_choose(struct program *program, struct program *other, u64 index,
		   u64 *random)
{
	unsigned int n = known_at(index), fresh = random_below(random, 4);

	if (!n || !fresh)
		return false;
	*program = kept[random_below(random, n)].program;
	*other = kept[random_below(random, n)].program;
	return true;
}

void corpus_add(const struct program *program, int worker, u64 index, bool quiet)
{
	char text[2 * sizeof(*program) + 1];

	if (complete || kept_count == KEPT_MAX)
		return;
	kept[kept_count].index = index;
	kept[kept_count++].program = *program;
	if (quiet)
		return;
	program_format(program, text, sizeof(text));
	printf("# keep %d %lu %s\n", worker, (unsigned long)index, text);
}

unsigned int corpus_count(void)
{
	return kept_count;
}
