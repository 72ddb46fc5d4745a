// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to a block device while every page allocation of this process fails
 * (CONFIG_FAULT_INJECTION, fail_page_alloc with task-filter), and prints how many
 * writes failed with EIO. All its own memory is locked before, so that nothing
 * but the writes needs any.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* So few pages that the kernel keeps their list on its stack. */
#define WRITE_SIZE 16384

static void usage(FILE *out)
{
	fputs("Usage: failwrite DEV COUNT\n\n"
	      "Make COUNT writes of 16 KiB of noise to the start of DEV with page allocations\n"
	      "failing; print how many ended with EIO. Set up fail_page_alloc first.\n\n"
	      "Exit status: 0 done, 2 bad usage or set-up.\n", out);
}

static void fill_noise(unsigned char *buf, size_t size)
{
	unsigned long long x = 88172645463325252ULL;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf[i] = x >> 24;
	}
}

int main(int argc, char **argv)
{
	int dev, fail, count, failed = 0, other = 0;
	unsigned char *buf;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		usage(stdout);
		return 0;
	}
	if (argc != 3 || (count = atoi(argv[2])) <= 0) {
		usage(stderr);
		return 2;
	}
	dev = open(argv[1], O_WRONLY | O_DIRECT);
	fail = open("/proc/self/make-it-fail", O_WRONLY);
	buf = aligned_alloc(4096, WRITE_SIZE);
	if (dev < 0 || fail < 0 || !buf || mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("failwrite: cannot set up");
		return 2;
	}
	fill_noise(buf, WRITE_SIZE);
	if (write(fail, "1", 1) != 1)
		return 2;
	for (int i = 0; i < count; i++) {
		if (pwrite(dev, buf, WRITE_SIZE, (off_t)i * WRITE_SIZE) >= 0)
			continue;
		if (errno == EIO)
			failed++;
		else
			other = errno;
	}
	if (write(fail, "0", 1) != 1)
		return 2;
	if (other)
		fprintf(stderr, "failwrite: a write ended with %s\n", strerror(other));
	printf("%d\n", failed);
	return 0;
}
