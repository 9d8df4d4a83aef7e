// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * pty TEXT KEYS COMMAND [ARGUMENT]...
 *
 * Runs a command on a terminal of 24 lines of 80 characters. When it has shown TEXT,
 * KEYS are typed. What it shows is printed; the exit status is the command's, or
 * 128 and its signal, or 99 when it left the terminal another one than it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MAX_SHOWN (1 << 20)

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(98);
}

static pid_t start(int terminal, char **argv)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return pid;
	setsid();
	must(!ioctl(terminal, TIOCSCTTY, 0), "TIOCSCTTY");
	dup2(terminal, 0);
	dup2(terminal, 1);
	dup2(terminal, 2);
	execv(argv[0], argv);
	_exit(127);
}

/* Until nobody has the other end open any more. */
static void follow(int master, const char *text, const char *keys)
{
	static char shown[MAX_SHOWN + 1];
	size_t size = 0;
	ssize_t n;

	while ((n = read(master, shown + size, MAX_SHOWN - size)) > 0) {
		must(write(1, shown + size, n) == n, "write");
		size += n;
		if (!keys || !memmem(shown, size, text, strlen(text)))
			continue;
		must(write(master, keys, strlen(keys)) > 0, "write");
		keys = NULL;
	}
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct termios before, after;
	int master, terminal, status;
	pid_t pid;

	must(argc > 3, "pty TEXT KEYS COMMAND");
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(master >= 0 && !grantpt(master) && !unlockpt(master), "openpt");
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(terminal >= 0, "open");
	must(!ioctl(terminal, TIOCSWINSZ, &size), "TIOCSWINSZ");
	must(!tcgetattr(terminal, &before), "tcgetattr");
	pid = start(terminal, argv + 3);
	close(terminal);
	follow(master, argv[1], argv[2]);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	must(!tcgetattr(master, &after), "tcgetattr");
	if (memcmp(&before, &after, sizeof(before)))
		return 99;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
