/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_USER_H
#define MPMC_USER_H

struct mpmc_user;

struct mpmc_user *mpmc_user_charge(unsigned int max);
void mpmc_user_uncharge(struct mpmc_user *user);

#endif /* MPMC_USER_H */
