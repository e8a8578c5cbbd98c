// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "privilege.h"
#include "util.h"

int privilege_drop(void)
{
	static const unsigned int dropped[] = {CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		struct __user_cap_data_struct *d = &data[CAP_TO_INDEX(dropped[i])];
		uint32_t keep = ~(uint32_t)CAP_TO_MASK(dropped[i]);

		if (dropped[i] == CAP_SYS_ADMIN && geteuid() == 0)
			continue;
		d->effective &= keep;
		d->permitted &= keep;
	}
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = 0;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
