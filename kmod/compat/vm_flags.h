/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_VM_FLAGS_H
#define MPMC_COMPAT_VM_FLAGS_H

#include <linux/mm.h>

/*
 * Flags of a mapping are changed by functions since 6.3. The probe,
 * probe_vm_flags.c, is compiled by Kbuild.
 */
static inline void mpmc_vm_flags_set(struct vm_area_struct *vma,
				     unsigned long flags)
{
#ifdef MPMC_HAVE_VM_FLAGS_SET
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void mpmc_vm_flags_clear(struct vm_area_struct *vma,
				       unsigned long flags)
{
#ifdef MPMC_HAVE_VM_FLAGS_SET
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

#endif /* MPMC_COMPAT_VM_FLAGS_H */
