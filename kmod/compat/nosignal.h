/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_NOSIGNAL_H
#define MPMC_COMPAT_NOSIGNAL_H

#include <linux/fs.h>

/* A write can ask for no SIGPIPE since 6.18. */
#ifndef IOCB_NOSIGNAL
#define IOCB_NOSIGNAL 0
#endif

#endif /* MPMC_COMPAT_NOSIGNAL_H */
