// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: the names of an IPC namespace
 *
 * A name holds a reference to its queue, and one to the module: names, with the
 * items behind them, are there until they are unlinked, and code that could
 * still open them is to be there as long. Both go with the name, outside of the
 * lock, for a queue may take long to free.
 */
#include "directory.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "file.h"
#include "name.h"
#include "queue.h"

/* Names that are looked at in one piece, by who may see none of them perhaps. */
#define LOOK_NAMES 64

#define to_name(rb) rb_entry(rb, struct mpmc_name, node)

static int name_order(const void *text, const struct rb_node *node)
{
	return strcmp(text, to_name(node)->text);
}

static int name_compare(struct rb_node *new, const struct rb_node *node)
{
	return name_order(to_name(new)->text, node);
}

static struct mpmc_name *directory_look(struct mpmc_directory *directory,
					const char *text)
{
	struct rb_node *node = rb_find(text, &directory->names, name_order);

	return node ? to_name(node) : NULL;
}

static void directory_erase(struct mpmc_directory *directory,
			    struct mpmc_name *name)
{
	rb_erase(&name->node, &directory->names);
	WRITE_ONCE(name->unlinked, true);
}

/* The end of a name that has been erased. */
static void name_drop(struct mpmc_name *name)
{
	mpmc_queue_drop(name->queue);
	module_put(THIS_MODULE);
}

/**
 * mpmc_directory_init() - make a directory with no names
 * @directory: the directory
 *
 * Context: any.
 */
void mpmc_directory_init(struct mpmc_directory *directory)
{
	mutex_init(&directory->lock);
	directory->names = RB_ROOT;
}

/**
 * mpmc_directory_clear() - unlink all names
 * @directory: the directory
 *
 * Context: process; may sleep.
 */
void mpmc_directory_clear(struct mpmc_directory *directory)
{
	struct rb_node *node;

	for (;;) {
		mutex_lock(&directory->lock);
		node = rb_first(&directory->names);
		if (node)
			directory_erase(directory, to_name(node));
		mutex_unlock(&directory->lock);
		if (!node)
			return;
		name_drop(to_name(node));
		cond_resched();
	}
}

/**
 * mpmc_directory_find() - find a queue by its name
 * @directory: the directory of the caller's namespace
 * @text: the name
 * @wanted: what he wants to do, MPMC_MAY_*
 *
 * Context: process; may sleep.
 * Return: the queue, for mpmc_queue_drop(); or an ERR_PTR: -ENOENT, -EACCES.
 */
struct mpmc_queue *mpmc_directory_find(struct mpmc_directory *directory,
				       const char *text, umode_t wanted)
{
	struct mpmc_queue *queue = ERR_PTR(-ENOENT);
	struct mpmc_name *name;

	mutex_lock(&directory->lock);
	name = directory_look(directory, text);
	if (name && !mpmc_name_allows(name, wanted)) {
		queue = ERR_PTR(-EACCES);
	} else if (name) {
		queue = name->queue;
		refcount_inc(&queue->references);
	}
	mutex_unlock(&directory->lock);
	return queue;
}

/**
 * mpmc_directory_link() - let a queue be found by its name
 * @directory: the directory of the caller's namespace
 * @name: the name, of a queue that the caller has a reference to
 *
 * Context: process; may sleep.
 * Return: 0; -EEXIST if there is one like it.
 */
int mpmc_directory_link(struct mpmc_directory *directory,
			struct mpmc_name *name)
{
	struct rb_node *other;

	mutex_lock(&directory->lock);
	other = rb_find_add(&name->node, &directory->names, name_compare);
	if (!other) {
		refcount_inc(&name->queue->references);
		/* The caller has a file open, so it is there. */
		__module_get(THIS_MODULE);
	}
	mutex_unlock(&directory->lock);
	return other ? -EEXIST : 0;
}

/**
 * mpmc_directory_unlink() - the end of a name
 * @directory: the directory of the caller's namespace
 * @text: the name
 *
 * Context: process; may sleep.
 * Return: 0; -ENOENT; -EACCES if it is not his.
 */
int mpmc_directory_unlink(struct mpmc_directory *directory, const char *text)
{
	struct mpmc_name *name;
	int ret = 0;

	mutex_lock(&directory->lock);
	name = directory_look(directory, text);
	if (!name)
		ret = -ENOENT;
	else if (!mpmc_name_owned(name))
		ret = -EACCES;
	else
		directory_erase(directory, name);
	mutex_unlock(&directory->lock);
	if (!ret)
		name_drop(name);
	return ret;
}

/* The first name behind another one, which need not be there. */
static struct rb_node *directory_behind(struct mpmc_directory *directory,
					const char *text)
{
	struct rb_node *node = directory->names.rb_node, *behind = NULL;

	while (node) {
		if (name_order(text, node) < 0) {
			behind = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return behind;
}

/*
 * The next queue that the caller may see; or, if he may see none of so many, the
 * last of these, to go on behind it.
 */
static struct mpmc_queue *directory_see(struct mpmc_directory *directory,
					const char *after, bool *shown)
{
	struct rb_node *node = directory_behind(directory, after);
	unsigned int looks = 0;

	for (; node; node = rb_next(node)) {
		struct mpmc_name *name = to_name(node);

		*shown = mpmc_name_shows(name);
		if (*shown || ++looks == LOOK_NAMES) {
			refcount_inc(&name->queue->references);
			return name->queue;
		}
	}
	return NULL;
}

/**
 * mpmc_directory_next() - the next queue that the caller may see
 * @directory: the directory of his namespace
 * @after: the name to go on behind; "" for the first
 *
 * Others may use the directory while one who may see little looks through it.
 *
 * Context: process; may sleep.
 * Return: the queue, for mpmc_queue_drop(); NULL if there is none.
 */
struct mpmc_queue *mpmc_directory_next(struct mpmc_directory *directory,
				       const char *after)
{
	struct mpmc_queue *queue, *hidden = NULL;
	bool shown;

	for (;;) {
		mutex_lock(&directory->lock);
		queue = directory_see(directory, after, &shown);
		mutex_unlock(&directory->lock);
		if (hidden)
			mpmc_queue_drop(hidden);
		if (!queue || shown)
			return queue;
		hidden = queue;
		after = queue->name->text;
		cond_resched();
	}
}
