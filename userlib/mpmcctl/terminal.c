// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The terminal, while something is shown on all of it
 *
 * Signals are blocked but while it waits, so none comes at a bad time, and none is
 * missed. Keys are looked for only where the standard input is a terminal as well.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

#define KEY_CTRL_C 3

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH };

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct termios before;
static bool has_keys;
static sigset_t waiting; /* the mask while it waits */
static volatile sig_atomic_t came;

static void on_signal(int number)
{
	came = number;
}

/* The other screen, and no cursor; and back. */
static void show(void)
{
	struct termios now = before;

	if (has_keys) {
		now.c_lflag &= ~(ICANON | ECHO);
		now.c_cc[VMIN] = 1;
		now.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
	}
	fputs("\033[?1049h\033[?25l", stdout);
	fflush(stdout);
}

void terminal_leave(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

void terminal_enter(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	for (i = 0; i < SIGNALS; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &waiting);
	for (i = 0; i < SIGNALS; i++)
		sigdelset(&waiting, signals[i]);
	has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	show();
}

void terminal_size(size_t *rows, size_t *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	if (size.ws_row && size.ws_col) {
		*rows = size.ws_row;
		*columns = size.ws_col;
	}
}

/* Stops as it would have by itself, but with the terminal as it was. */
static void stop(void)
{
	terminal_leave();
	raise(SIGSTOP);
	if (has_keys)
		tcgetattr(STDIN_FILENO, &before);
	show();
}

static enum terminal_event take_signal(void)
{
	if (came == SIGTSTP)
		stop();
	else if (came != SIGWINCH)
		return TERMINAL_END;
	came = 0;
	return TERMINAL_SIZE;
}

/* Whether a key means the end; so does a terminal that has gone. */
static bool key_ends(void)
{
	char key;

	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' ||
	       key == KEY_CTRL_C;
}

enum terminal_event terminal_wait(const struct timespec *time)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	int ret = ppoll(&pfd, has_keys, time, &waiting);

	if (ret < 0 && errno == EINTR && came)
		return take_signal();
	if (ret > 0)
		return key_ends() ? TERMINAL_END : TERMINAL_SIZE;
	return TERMINAL_TIME;
}
