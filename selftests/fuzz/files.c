// SPDX-License-Identifier: GPL-2.0
/*
 * What can be done with fds of any kind
 */
#include <liburing.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>

#include "fuzz.h"

static enum kind kind_of(struct world *world, int fd)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (atomic_load(&world->slot[i].fd) == fd)
			return atomic_load(&world->slot[i].kind);
	return KIND_OTHER;
}

/* Puts a second name for one file in place of another file. */
static void dup_over(struct lane *lane, int fd, enum kind kind)
{
	int over = slot_take(lane->world, pick(lane, SLOTS));

	if (over < 0)
		return;
	op_count(lane);
	if (over == fd || dup3(fd, over, O_CLOEXEC) < 0)
		close(over);
	else
		slot_add(lane->world, over, kind);
}

void op_dup(struct lane *lane, const struct op *op)
{
	int fd = slot_find(lane, op, KINDS_MPMC);
	enum kind kind = kind_of(lane->world, fd);

	if (fd < 0)
		return;
	if (op->shape >= 176) {
		dup_over(lane, fd, kind);
		return;
	}
	op_count(lane);
	slot_add(lane->world, dup(fd), kind);
}

void op_close(struct lane *lane, const struct op *op)
{
	int fd = slot_take(lane->world, op->target);

	if (fd < 0)
		return;
	op_count(lane);
	close(fd);
}

void op_fcntl(struct lane *lane, const struct op *op)
{
	int fd = slot_find(lane, op, KINDS_MPMC), on = pick(lane, 2);

	op_count(lane);
	switch (pick(lane, 4)) {
	case 0:
		fcntl(fd, F_SETFL, O_NONBLOCK * on);
		break;
	case 1:
		fcntl(fd, F_SETFL, random_next(&lane->random) >> 16);
		break;
	case 2:
		ioctl(fd, FIONBIO, &on);
		break;
	default:
		ioctl(fd, FIOASYNC, &on);
	}
}

void op_poll(struct lane *lane, const struct op *op)
{
	struct timespec timeout = { .tv_nsec = pick(lane, 300000) };
	struct pollfd fds[4] = {};
	unsigned int i, n = 1 + pick(lane, 4);
	struct op each = *op;

	for (i = 0; i < n; i++, each.target += pick(lane, 256)) {
		fds[i].fd = slot_find(lane, &each, KINDS_MPMC);
		fds[i].events = chance(lane, 4) ? pick(lane, 65536) :
				chance(lane, 2) ? POLLIN : POLLOUT;
	}
	op_count(lane);
	if (chance(lane, 2))
		timeout.tv_nsec = 0;
	ppoll(fds, n, &timeout, NULL);
}

void op_select(struct lane *lane, const struct op *op)
{
	struct timespec timeout = { .tv_nsec = pick(lane, 200000) };
	int fd = slot_find(lane, op, KINDS_MPMC);
	fd_set in, out, odd;

	if (fd < 0 || fd >= FD_SETSIZE)
		return;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&odd);
	FD_SET(fd, chance(lane, 2) ? &in : &out);
	FD_SET(fd, &odd);
	op_count(lane);
	pselect(fd + 1, &in, &out, &odd, &timeout, NULL);
}

static const u32 epoll_flags[] = {
	EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLET, EPOLLOUT | EPOLLET,
	EPOLLIN | EPOLLEXCLUSIVE, EPOLLOUT | EPOLLEXCLUSIVE,
	EPOLLIN | EPOLLOUT | EPOLLONESHOT, EPOLLIN | EPOLLOUT | EPOLLRDHUP,
};

void op_epoll(struct lane *lane, const struct op *op)
{
	static const int ctls[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	int fd = slot_find(lane, op, KINDS_MPMC);
	struct epoll_event event = { .events = pick_of(lane, epoll_flags) };
	int poller = slot_find(lane, op, 1 << KIND_OTHER);

	if (poller < 0) {
		op_count(lane);
		poller = slot_add(lane->world, epoll_create1(EPOLL_CLOEXEC),
				  KIND_OTHER);
	}
	op_count(lane);
	epoll_ctl(poller, pick_of(lane, ctls), fd, &event);
	if (chance(lane, 2))
		return;
	op_count(lane);
	epoll_wait(poller, &event, 1, chance(lane, 16));
}

/*
 * A poll that is in the kernel's hands when its fd dies, or its ring does. The
 * kernel lets go of a ring's files when it gets to it.
 */
void op_uring(struct lane *lane, const struct op *op)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct op each = *op;
	unsigned int i, n = 1 + pick(lane, 3);

	if (io_uring_queue_init(4, &ring, 0))
		return;
	atomic_store(&lane->world->late, true);
	for (i = 0; i < n; i++, each.target += pick(lane, 256)) {
		sqe = io_uring_get_sqe(&ring);
		if (!sqe)
			break;
		if (chance(lane, 4))
			io_uring_prep_nop(sqe);
		else
			io_uring_prep_poll_add(sqe, slot_find(lane, &each, KINDS_MPMC),
					       chance(lane, 2) ? POLLIN : POLLOUT);
	}
	op_count(lane);
	io_uring_submit(&ring);
	if (chance(lane, 2))
		op_close(lane, op);
	io_uring_queue_exit(&ring);
}

static void pass_send(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	sendmsg(sock, &msg, MSG_DONTWAIT);
}

static int pass_receive(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == 1 &&
	    CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* An fd of ours through a socket, out again or not before that is closed. */
void op_pass(struct lane *lane, const struct op *op)
{
	int fd = slot_find(lane, op, KINDS_MPMC), sock[2];
	enum kind kind = kind_of(lane->world, fd);

	if (kind == KIND_OTHER || fd < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock))
		return;
	op_count(lane);
	pass_send(sock[0], fd);
	if (!chance(lane, 3)) {
		op_count(lane);
		slot_add(lane->world, pass_receive(sock[1]), kind);
	}
	close(sock[0]);
	if (chance(lane, 4))
		slot_add(lane->world, sock[1], KIND_OTHER);
	else
		close(sock[1]);
}

void op_fdinfo(struct lane *lane, const struct op *op)
{
	char name[40], text[1024];
	int fd = slot_find(lane, op, KINDS_MPMC), info;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = open(name, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return;
	op_count(lane);
	while (read(info, text, sizeof(text)) > 0)
		;
	close(info);
}

/* Items of which some may be cut short, where memory may end; a few wait. */
static void read_or_write(struct lane *lane, int fd, bool reads)
{
	struct iovec iov[2] = {
		{ lane->arena + pick(lane, 64), 8 * pick(lane, 40) },
		{ lane->arena + ARENA_WRITE - 8 * pick(lane, 20),
		  pick(lane, 4) ? 8 * pick(lane, 40) : pick(lane, 300) },
	};
	int count = pick(lane, 3), flags = chance(lane, 8) ? 0 : RWF_NOWAIT;
	ssize_t ret;

	ret = reads ? preadv2(fd, iov, count, -1, flags) :
		      pwritev2(fd, iov, count, -1, flags);
	(void)ret;
}

/* What files have, and what ours do not. */
void op_read(struct lane *lane, const struct op *op)
{
	int fd = slot_find(lane, op, KINDS_MPMC);
	struct stat st;

	op_count(lane);
	switch (pick(lane, 7)) {
	case 0:
	case 1:
		read_or_write(lane, fd, pick(lane, 2));
		break;
	case 2:
		lseek(fd, pick(lane, 4096), SEEK_SET);
		break;
	case 3:
		fsync(fd);
		break;
	case 4:
		fstat(fd, &st);
		break;
	case 5:
		if (ftruncate(fd, 0))
			return;
		break;
	default:
		fallocate(fd, 0, 0, 4096);
	}
}
