/* SPDX-License-Identifier: MIT */
/*
 * misc.h - prctl, and what uname and sysinfo fill in.
 */
#ifndef ABI_MISC_H
#define ABI_MISC_H

#include <stdint.h>

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_SET_NAME      15
#define PR_GET_NAME      16
#define COMM_LEN         16 /* of a name, with its NUL */

struct utsname_abi {
	char sysname[65];
	char nodename[65];
	char release[65];
	char version[65];
	char machine[65];
	char domainname[65];
};

struct sysinfo_abi {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram;
	uint64_t freeram;
	uint64_t sharedram;
	uint64_t bufferram;
	uint64_t totalswap;
	uint64_t freeswap;
	uint16_t procs;
	uint64_t totalhigh;
	uint64_t freehigh;
	uint32_t mem_unit;
};

#endif
